import { randomBytes } from 'node:crypto'
import { copyBytes, type Bytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { exhausted } from '../../base/exhaustive.ts'
import type { Address } from '../../protocol/address.ts'
import { newFirstKeyId } from '../../protocol/keys.ts'
import type { Protocol, Turn } from '../../protocol/protocol.ts'
import { readGeneration, readTakenUpTo, writeGeneration } from '../../storage/repositories/account.ts'
import { writeSetting } from '../../storage/repositories/settings.ts'
import type { Vault } from '../../storage/vault.ts'
import { limits } from '../../wire/limits.ts'
import type { ReachPoint } from '../crashPoints.ts'
import type { Journal } from '../profile/journal.ts'
import { Paced } from './paced.ts'
import type { RelaySocket, VaultStanding, Welcomed } from '../relay/socket.ts'

interface GenerationParts {
  readonly vault: Vault
  readonly protocol: Protocol
  readonly own: Address
  readonly journal: Journal
  readonly clock: Clock
  readonly reach: ReachPoint
  /** The vault is a copy, or was put back from one: the person is told. */
  readonly copied: () => void
}

/**
 * The vault generation (ARCHITECTURE section 4): a token that the relay exchanges at each connection, after sending and at
 * an orderly stop, so that two vaults which go on from the same state are told apart before either encrypts again.
 * SECURITY 3: a vault that was put back never resumes ratchets.
 */
export class Generation {
  readonly #parts: GenerationParts
  /** Tells this run's return from a second holder. */
  readonly #holder = copyBytes(randomBytes(16))
  /** The relay knows one token that waits for its confirmation: what leaves meanwhile must not ask for another one. */
  readonly #renewals = new Paced(limits.generationEveryMs)

  constructor(parts: GenerationParts) {
    this.#parts = parts
  }

  standing(): VaultStanding {
    const { sql } = this.#parts.vault
    return { generation: readGeneration(sql), holder: this.#holder, takenUpTo: readTakenUpTo(sql) }
  }

  /** Nothing is encrypted before this has settled. Rejects when the vault or the connection fails. */
  async welcomed({ verdict, nextGeneration, socket }: Welcomed): Promise<void> {
    this.#renewals.begun()
    // A relay that has forgotten this device cannot tell whether the vault is the last one.
    const known = readGeneration(this.#parts.vault.sql) !== null
    const found = verdict === 'first' && known ? 'unsure' : verdict
    switch (found) {
      case 'first':
      case 'current':
        this.#parts.vault.transaction((tx) => writeGeneration(tx, nextGeneration))
        break
      case 'unsure':
        await this.#beginAnew(nextGeneration, false)
        break
      case 'foreign':
        await this.#beginAnew(nextGeneration, true)
        this.#parts.copied()
        break
      default:
        return exhausted(found)
    }
    await this.#confirm(socket, nextGeneration, false)
  }

  /** Something has left: the token that a copy of before holds must not last. */
  sent(socket: RelaySocket): void {
    this.#renewals.ask(async () => this.#renew(socket, false))
  }

  /** At an orderly stop, after the last sending: the next start then knows that nothing left since. */
  async stop(socket: RelaySocket | null): Promise<void> {
    await this.#renewals.stop()
    // Without the relay the next start begins its sessions anew, which loses nothing.
    if (socket !== null) await this.#renew(socket, true).catch(() => undefined)
  }

  async #renew(socket: RelaySocket, stopping: boolean): Promise<void> {
    const token = await socket.requestGeneration()
    this.#parts.vault.transaction((tx) => writeGeneration(tx, token))
    await this.#confirm(socket, token, stopping)
  }

  async #confirm(socket: RelaySocket, token: Bytes, stopping: boolean): Promise<void> {
    this.#parts.reach('generation.committed')
    await socket.confirmGeneration(token, stopping)
    this.#parts.reach('generation.confirmed')
  }

  /**
   * Sessions go on receiving and never encrypt again. Where the vault is certainly not the last one, the keys that it
   * published are replaced too; `keySupply.ts` does it once the connection is up.
   */
  async #beginAnew(token: Bytes, foreign: boolean): Promise<void> {
    await this.#parts.protocol.exclusively(async (turn) => {
      retireAll(turn, this.#parts.own)
      const type = foreign ? 'vault.copyNoticed' : 'vault.stopMissed'
      this.#parts.journal.note(turn.writes, () => ({ type, actor: 'relay', payload: {} }))
      turn.writes.write((tx) => {
        writeGeneration(tx, token)
        // The ids that were given out since are not known here any more.
        writeSetting(tx, 'nextKeyId', String(newFirstKeyId()))
        if (foreign) writeSetting(tx, 'replaceKeys', '1')
      })
      turn.writes.commit()
      this.#parts.reach('generation.retired')
    })
    await this.#parts.journal.flush()
  }
}

function retireAll(turn: Turn, own: Address): void {
  turn.retireSessions()
  for (const key of turn.writes.senderKeys.keys()) {
    if (key.startsWith(`${own.accountId}.${own.deviceId}.`)) turn.writes.senderKeys.remove(key)
  }
}
