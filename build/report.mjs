// What a person sees of a command that cannot do its work: a sentence, not a stack.

/**
 * Does the work of a command; its result is the exit code. What it throws is told by its message alone, with exit code 2.
 * Valise's own programs are other processes and tell of themselves.
 * @param {() => Promise<number | void> | number | void} act nothing returned leaves the exit code as it is
 */
export async function reported(act) {
  try {
    const code = await act()
    if (typeof code === 'number') process.exitCode = code
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 2
  }
}
