export function chosen<T>(choice: number, among: readonly T[]): T | null {
  return among[choice % Math.max(1, among.length)] ?? null
}

/** Turns of the event loop: everything that is ready to go on does. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((done) => setImmediate(done))
}

export async function until(condition: () => boolean): Promise<void> {
  if (!(await within(20_000, condition))) throw new Error('it did not come about')
}

export async function within(ms: number, condition: () => boolean): Promise<boolean> {
  const end = performance.now() + ms
  while (!condition()) {
    if (performance.now() > end) return false
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
