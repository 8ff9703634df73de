import { randomBytes } from 'node:crypto'
import type { Bytes } from '../../base/bytes.ts'
import { exhausted } from '../../base/exhaustive.ts'
import { limits } from '../../wire/limits.ts'
import type { GenerationAct, GenerationOutcome } from './deviceStore.ts'
import { confirmed, judge, offered, type GenerationState } from './generation.ts'

/** What an engine keeps of a device, as far as acts of generations read and change it. */
export interface VaultRecord {
  readonly state: GenerationState
  readonly frozen: boolean
  readonly lastSeenDay: number
  /** Of the account's devices; acts do not change it. */
  readonly revision: number
}

export interface Performed {
  readonly outcome: GenerationOutcome
  /** The very record that was given when nothing changes. */
  readonly after: VaultRecord
}

const dayMs = 24 * 3_600_000

/** What an act makes of a device's record. */
export function perform(act: GenerationAct, before: VaultRecord): Performed {
  if (act.kind === 'freeze') return { outcome: { kind: 'frozen' }, after: { ...before, frozen: true } }
  if (before.frozen) return { outcome: { kind: 'frozen' }, after: before }
  switch (act.kind) {
    case 'connect':
      return connect(act, before)
    case 'offer':
      return {
        outcome: { kind: 'offered' },
        after: { ...before, state: offered(before.state, act.token, act.holder) },
      }
    case 'confirm': {
      const state = confirmed(before.state, act)
      return state === null
        ? { outcome: { kind: 'notPending' }, after: before }
        : { outcome: { kind: 'confirmed' }, after: { ...before, state } }
    }
    default:
      return exhausted(act)
  }
}

function connect(act: Extract<GenerationAct, { kind: 'connect' }>, before: VaultRecord): Performed {
  const { verdict, state } = judge(before.state, act)
  const { revision } = before
  return {
    outcome: { kind: 'judged', verdict, revision, acknowledged: state.acknowledged },
    after: {
      ...before,
      state: offered(state, act.next, act.holder),
      // The day and no more: when a person works is nobody's business here.
      lastSeenDay: act.now - (act.now % dayMs),
    },
  }
}

/** A last token that no vault holds: what is presented next can only be foreign. */
export function tokenOfNobody(): Bytes {
  return new Uint8Array(randomBytes(limits.generationBytes))
}
