export function chosen<T>(choice: number, among: readonly T[]): T | null {
  return among[choice % Math.max(1, among.length)] ?? null
}

/** Turns of the event loop: everything that is ready to go on does. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((done) => setImmediate(done))
}

export async function until(condition: () => boolean): Promise<void> {
  if (!(await within(4 * 60_000, condition))) throw new Error('it did not come about')
}

/** A machine that has stood still has not looked: so often it does, however much time has passed. */
const looksAtLeast = 200

export async function within(ms: number, condition: () => boolean): Promise<boolean> {
  const end = performance.now() + ms
  for (let looks = 0; !condition(); looks += 1) {
    if (performance.now() > end && looks >= looksAtLeast) return false
    await new Promise((done) => setTimeout(done, 5))
  }
  return true
}

export async function settles(ms: number, work: Promise<unknown>): Promise<boolean> {
  let done = false
  const noted = work.then(() => {
    done = true
  })
  const intime = await Promise.race([within(ms, () => done), noted.then(() => true)])
  return intime
}
