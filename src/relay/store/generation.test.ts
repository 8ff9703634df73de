import fc from 'fast-check'
import { expect, test } from 'vitest'
import { confirmed, judge, offered, type GenerationState } from './generation.ts'

const fresh: GenerationState = {
  last: null,
  holder: null,
  stopped: false,
  pending: null,
  pendingHolder: null,
  acknowledged: 0,
}

/** A vault of the model: what is committed in it. */
interface Vault {
  token: Uint8Array<ArrayBuffer>
  takenUpTo: number
}

const named = (name: number): Uint8Array<ArrayBuffer> => new Uint8Array(16).fill(name)

type Step =
  | { readonly kind: 'connect' | 'receive' | 'restart' | 'stop' | 'copy' | 'restore' }
  /** `lost`: the relay does not hear of it. */
  | { readonly kind: 'renew'; readonly lost: boolean }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom<Step[]>(
    { kind: 'connect' },
    { kind: 'receive' },
    { kind: 'restart' },
    { kind: 'stop' },
    { kind: 'copy' },
    { kind: 'restore' },
  ),
  fc.boolean().map((lost): Step => ({ kind: 'renew', lost })),
)

test('whatever is lost: an untouched vault is never foreign, an older one always, and current means the same run', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const model = new Model()
      for (const one of steps) model.take(one)
      model.take({ kind: 'connect' })
    }),
    { numRuns: 2_000 },
  )
})

class Model {
  #relay = fresh
  #vault: Vault = { token: new Uint8Array(0), takenUpTo: 0 }
  #copy: Vault | null = null
  /** The vault has not been put back since the copy, or never changed since. */
  #rolledBack = false
  #holder = 1
  #next = 1
  /** The run that the relay heard confirm last, and whether it said that it stops. */
  #heard: { readonly holder: number; readonly stopped: boolean } | null = null
  #pendingOf = 0

  take(one: Step): void {
    switch (one.kind) {
      case 'connect':
        this.#connect()
        return
      case 'renew':
        this.#renew(one.lost, false)
        return
      case 'stop':
        this.#renew(false, true)
        this.#holder += 1
        return
      case 'restart':
        this.#holder += 1
        return
      case 'receive':
        if (this.#rolledBack) return
        this.#vault.takenUpTo += 1
        this.#relay = { ...this.#relay, acknowledged: this.#vault.takenUpTo }
        return
      case 'copy':
        this.#copy = { ...this.#vault }
        return
      case 'restore':
        this.#restore()
    }
  }

  #restore(): void {
    if (this.#copy === null) return
    const { token, takenUpTo } = this.#vault
    const same = Buffer.from(token).equals(this.#copy.token) && takenUpTo === this.#copy.takenUpTo
    this.#rolledBack ||= !same
    this.#vault = { ...this.#copy }
    this.#holder += 1
  }

  #connect(): void {
    const presented = {
      token: this.#vault.token,
      holder: named(this.#holder),
      takenUpTo: this.#vault.takenUpTo,
    }
    const promoted = this.#relay.pending !== null && Buffer.from(this.#relay.pending).equals(presented.token)
    const { verdict, state } = judge(this.#relay, presented)
    expect(verdict === 'foreign').toBe(this.#rolledBack)
    if (promoted && verdict !== 'foreign') this.#heard = { holder: this.#pendingOf, stopped: false }
    const sure = this.#heard !== null && (this.#heard.stopped || this.#heard.holder === this.#holder)
    if (verdict !== 'foreign') {
      expect(verdict).toBe(this.#heard === null ? 'first' : sure ? 'current' : 'unsure')
    }
    const accepted = { takenUpTo: presented.takenUpTo, acknowledged: state.acknowledged }
    this.#relay = offered(state, named(this.#next), presented.holder)
    this.#pendingOf = this.#holder
    // Commits and confirms at once, which makes a vault that was put back good again.
    this.#commit(verdict === 'foreign' ? accepted : null, false)
  }

  #renew(lost: boolean, stopping: boolean): void {
    if (this.#heard === null || this.#rolledBack) return
    // Only a run that was welcome renews.
    this.#connect()
    this.#relay = offered(this.#relay, named(this.#next), named(this.#holder))
    this.#pendingOf = this.#holder
    if (lost) {
      this.#vault.token = named(this.#next)
      this.#next += 1
    } else this.#commit(null, stopping)
  }

  #commit(accepted: { takenUpTo: number; acknowledged: number } | null, stopping: boolean): void {
    const token = named(this.#next)
    this.#next = (this.#next % 250) + 1
    this.#vault.token = token
    const after = confirmed(this.#relay, { token, holder: named(this.#holder), stopping, accepted })
    expect(after).not.toBeNull()
    this.#relay = after ?? this.#relay
    this.#heard = { holder: this.#holder, stopped: stopping }
    this.#rolledBack = false
  }
}

test('a token that was never given out is foreign, also before the first confirmation; only a pending one is confirmed', () => {
  const vault = { token: named(9), holder: named(1), takenUpTo: 0 }
  expect(judge(fresh, vault).verdict).toBe('foreign')
  expect(judge(fresh, { ...vault, token: new Uint8Array(0) }).verdict).toBe('first')
  const confirmation = { token: named(9), holder: named(1), stopping: false, accepted: null }
  expect(confirmed(fresh, confirmation)).toBeNull()
  expect(confirmed(offered(fresh, named(8), named(1)), confirmation)).toBeNull()
})
