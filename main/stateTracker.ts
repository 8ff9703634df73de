import type { Appearance, Delta, Phase, Snapshot } from '../src/contract/index.ts'

/**
 * What main knows of the state: the phase, for the gate, and the appearance, for its dialogs. The newest delta or
 * snapshot decides, in whatever order they are seen.
 */
export interface StateTracker {
  phase(): Phase
  appearance(): Appearance
  seeDelta(delta: Delta): void
  seeSnapshot(snapshot: Snapshot): void
}

export function createStateTracker(initial: Appearance): StateTracker {
  const phase = newest<Phase>('starting')
  const appearance = newest(initial)
  return {
    phase: phase.get,
    appearance: appearance.get,
    seeDelta({ number, change }) {
      if (change.kind === 'state') phase.see(number, change.state.phase)
      if (change.kind === 'appearance') appearance.see(number, change.appearance)
    },
    seeSnapshot(snapshot) {
      phase.see(snapshot.number, snapshot.state.phase)
      appearance.see(snapshot.number, snapshot.appearance)
    },
  }
}

function newest<T>(initial: T): { get(): T; see(number: number, value: T): void } {
  let at = -1
  let value = initial
  return {
    get: () => value,
    see(number, seen) {
      if (number < at) return
      at = number
      value = seen
    },
  }
}
