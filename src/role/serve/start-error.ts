/** Holdfast cannot start until a person has done something. `remedy` says what. */
export class StartError extends Error {
  override readonly name = 'StartError'
  readonly remedy: string

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options)
    this.remedy = remedy
  }
}
