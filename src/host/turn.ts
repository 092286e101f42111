/** Runs later in this process, once whatever else has come meanwhile had its turn: for long work in short pieces. */
export const nextTurn = (run: () => void): void => void setImmediate(run)

/** Runs when what is being worked on is done, before anything else that has come has its turn. */
export const endOfTurn = (run: () => void): void => process.nextTick(run)
