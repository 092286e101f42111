/** Runs later in this process, once whatever else has come meanwhile had its turn: for long work in short pieces. */
export const nextTurn = (run: () => void): void => void setImmediate(run)
