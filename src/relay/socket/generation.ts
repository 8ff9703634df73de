import { randomBytes } from 'node:crypto'
import { copyBytes, type Bytes } from '../../base/bytes.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { limits } from '../../wire/limits.ts'
import type { ConfirmGeneration } from '../../wire/relay_pb.ts'
import type { GenerationCommit } from '../queue/generationCommit.ts'
import type { AcceptedVault, GenerationOutcome } from '../store/deviceStore.ts'
import type { OutgoingFrame } from './frames.ts'
import type { PutBudgets } from './putBudgets.ts'

export interface VaultGenerationDeps {
  readonly device: number
  readonly holder: Bytes
  /** See `GenerationAct`. */
  readonly accepted: AcceptedVault | null
  readonly generations: GenerationCommit
  readonly budgets: PutBudgets
  readonly send: (frame: OutgoingFrame) => void
  readonly refuse: (code: ErrorCode) => void
  readonly failed: (thrown: unknown) => void
}

/** A token that nobody can guess. */
export function newToken(): Bytes {
  return new Uint8Array(randomBytes(limits.generationBytes))
}

/** The tokens of one welcome connection: every answer follows its commit. */
export class VaultGeneration {
  readonly #deps: VaultGenerationDeps

  constructor(deps: VaultGenerationDeps) {
    this.#deps = deps
  }

  async request(): Promise<void> {
    const { device, holder } = this.#deps
    if (!this.#affords()) return
    const token = newToken()
    await this.#settle(this.#deps.generations.act({ kind: 'offer', device, holder, token }), 'offered', {
      case: 'generation',
      value: { token },
    })
  }

  async confirm({ token, stopping }: ConfirmGeneration): Promise<void> {
    const { device, holder, accepted } = this.#deps
    if (!this.#affords()) return
    const act = { kind: 'confirm', device, holder, token: copyBytes(token), stopping, accepted } as const
    await this.#settle(this.#deps.generations.act(act), 'confirmed', {
      case: 'generationConfirmed',
      value: {},
    })
  }

  /** Each costs a write: a client asks once a minute. */
  #affords(): boolean {
    if (this.#deps.budgets.spend(this.#deps.device) === 0) return true
    this.#deps.refuse('relay.tooManyRequests')
    return false
  }

  async #settle(
    acting: Promise<GenerationOutcome>,
    wanted: 'offered' | 'confirmed',
    answer: OutgoingFrame,
  ): Promise<void> {
    try {
      const { kind } = await acting
      if (kind === wanted) this.#deps.send(answer)
      else if (kind === 'frozen') this.#deps.refuse('device.frozen')
      else if (kind === 'gone') this.#deps.refuse('relay.deviceGone')
      else this.#deps.refuse('frame.malformed')
    } catch (thrown) {
      this.#deps.failed(thrown)
    }
  }
}
