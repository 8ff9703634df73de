import { randomBytes } from 'node:crypto'
import { renameSync } from 'node:fs'
import { syncFolder } from '../../base/atomicFile.ts'
import { copyBytes, type Bytes } from '../../base/bytes.ts'
import { createVault, openVault } from '../../storage/open.ts'
import { writeAccount, readPendingUpload, type Account } from '../../storage/repositories/account.ts'
import { createSlots, replaceSlots, type SlotOpener, type SlotProtection } from '../../storage/slots/index.ts'
import type { Vault } from '../../storage/vault.ts'
import { prepareAccount, type CheckedRelay, type NewAccount } from '../account/enrolment.ts'
import { removeUnusedVault, setVaultAside, type ProfileFiles } from './profileFiles.ts'

/**
 * A vault whose enrolment the relay has not confirmed: it is being made, the answer was lost, or Valise was ended
 * meanwhile. It holds the only keys of an account that may exist already, so it goes only when the relay has refused.
 */
export class PendingVault {
  readonly vault: Vault
  readonly slot: SlotOpener['kind']
  readonly account: Account
  readonly #files: ProfileFiles
  /** Kept so that another protection can be chosen on a second try; zeroed with `finish` and `close`. */
  readonly #key: Bytes

  constructor(
    files: ProfileFiles,
    parts: {
      readonly vault: Vault
      readonly account: Account
      readonly slot: SlotOpener['kind']
      readonly key: Bytes
    },
  ) {
    this.#files = files
    this.vault = parts.vault
    this.account = parts.account
    this.slot = parts.slot
    this.#key = parts.key
  }

  /**
   * Makes slots, vault and keys. The vault gets its name only when it is whole, so that a kill at any moment leaves
   * a profile that begins again. Throws the codes of slots and vault; then nothing stays behind.
   */
  static async make(
    files: ProfileFiles,
    relay: CheckedRelay,
    given: NewAccount,
    choice: { readonly protection: SlotProtection; readonly now: number },
  ): Promise<PendingVault> {
    const key = copyBytes(randomBytes(32))
    // Slots without a vault are what a kill in between leaves; they hold the key of nothing.
    removeUnusedVault(files)
    try {
      await createSlots(files.slots, key, choice.protection)
      const account = await makeVaultFile(files, key, (vault) =>
        prepareAccount(vault, relay, given, choice.now),
      )
      const vault = openVault(files.vault, key)
      return new PendingVault(files, { vault, account, slot: choice.protection.kind, key })
    } catch (error) {
      removeUnusedVault(files)
      key.fill(0)
      throw error
    }
  }

  /** The same keys under the protection and the name chosen now. */
  async protect(protection: SlotProtection, deviceName: string): Promise<PendingVault> {
    await replaceSlots(this.#files.slots, this.#key, protection)
    const account: Account = { ...this.account, record: { ...this.account.record, deviceName } }
    this.vault.transaction((tx) => writeAccount(tx, account, readPendingUpload(tx)))
    return new PendingVault(this.#files, {
      vault: this.vault,
      account,
      slot: protection.kind,
      key: this.#key,
    })
  }

  /** The enrolment is confirmed: the vault is somebody else's now. */
  finish(): void {
    this.#key.fill(0)
  }

  close(): void {
    this.#key.fill(0)
    this.vault.close()
  }

  /** The relay has refused these keys: no account has them, and there is no message. */
  drop(): void {
    this.close()
    removeUnusedVault(this.#files)
  }

  /** Another invitation is used instead. The relay may have used the first: its keys are kept (SECURITY 14). */
  setAside(now: number): void {
    this.close()
    setVaultAside(this.#files, now)
  }
}

async function makeVaultFile<T>(files: ProfileFiles, key: Bytes, fill: (vault: Vault) => T): Promise<T> {
  const vault = createVault(files.newVault, key)
  let filled: T
  try {
    filled = fill(vault)
    vault.checkpoint()
  } finally {
    vault.close()
  }
  renameSync(files.newVault, files.vault)
  await syncFolder(files.folder)
  return filled
}
