/** Ends a switch over a closed union: a forgotten case is a type error here. */
export function exhausted(value: never): never {
  throw new Error(`unhandled case: ${typeof value}`)
}
