import type { Bytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { decodeContent, encodeContent } from '../../content/content.ts'
import type { Address } from '../../protocol/address.ts'
import type { RetryRequested } from '../../protocol/protocol.ts'
import { retryReference } from '../../protocol/retry.ts'
import { readConversation } from '../../storage/repositories/conversations.ts'
import { findResend, logSent, pruneResends, type SentEnvelope } from '../../storage/repositories/resendLog.ts'
import { noteRetry, pruneRetries } from '../../storage/repositories/retryRequests.ts'
import { encryptedJobs, readCiphertexts, type Job } from '../../storage/repositories/outbox.ts'
import type { Tx, Vault } from '../../storage/vault.ts'
import { jobKinds } from '../sending/jobKinds.ts'
import type { Posting } from '../sending/posting.ts'
import type { Self } from '../account/self.ts'

/** How often one device asks, or is answered, about one message. */
const timesAMessage = 5
/** How many requests of one device are answered in a day, whatever they are about. */
const answersADay = 1_000
const day = 24 * 3_600_000
const countsKeptMs = 14 * day

/**
 * Messages that could not be read: the recipient's device asks for them again, sealed, and the sender's device sends them
 * again from its log. Everything is counted, so that two devices which never understand each other come to rest.
 */
export class Retries {
  readonly #vault: Vault
  readonly #posting: Posting
  readonly #self: Self
  readonly #clock: Clock

  constructor(parts: {
    readonly vault: Vault
    readonly posting: Posting
    readonly self: Self
    readonly clock: Clock
  }) {
    this.#vault = parts.vault
    this.#posting = parts.posting
    this.#self = parts.self
    this.#clock = parts.clock
  }

  /** Asks the sender's device. `retry`: what the protocol made of the envelope. A stranger is not asked: it would tell that somebody is here. */
  ask(tx: Tx, sender: Address, envelopeId: Bytes, retry: Bytes): void {
    if (!this.#speaksWith(tx, sender.accountId)) return
    const key = { ...sender, direction: 'asked', reference: retryReference(envelopeId) } as const
    if (noteRetry(tx, key, this.#clock.now()) > timesAMessage) return
    this.#posting.toDevice(tx, sender, 'retryRequest', retry)
  }

  /** Sends again what the device asks for, where it was for that device and the log still has it. */
  answer(tx: Tx, { sender, reference }: RetryRequested): void {
    if (!this.#speaksWith(tx, sender.accountId)) return
    const found =
      findResend(tx, sender.accountId, sender.deviceId, reference) ?? leaving(tx, sender, reference)
    if (found === null) return
    const now = this.#clock.now()
    const daily = { ...sender, direction: 'answered', reference: Math.floor(now / day) } as const
    if (noteRetry(tx, daily, now) > answersADay) return
    // By message, not by envelope: each repetition is an envelope of its own.
    const aMessage = { ...sender, direction: 'answered', reference: retryReference(found.messageId) } as const
    if (noteRetry(tx, aMessage, now) > timesAMessage) return
    const content = decodeContent(found.content)
    // A repetition of a repetition still names the first: its mark is the one in the thread.
    const resentEnvelopeId = content.resentEnvelopeId ?? found.envelopeId
    this.#posting.toDevice(tx, sender, 'resend', encodeContent({ ...content, resentEnvelopeId }))
  }

  /** Nothing goes by itself to whom the person has not accepted, or has blocked. */
  #speaksWith(tx: Tx, accountId: string): boolean {
    const conversation = readConversation(tx, accountId)
    const accepted = conversation !== null && conversation.accepted && !conversation.blocked
    return accepted || accountId === this.#self.accountId
  }

  /** Keeps what left, with the job's end. */
  log(tx: Tx, job: Job): void {
    if (!jobKinds[job.kind].isSentAgain) return
    const { messageId } = decodeContent(job.content)
    for (const { deviceId, envelopeId } of readCiphertexts(this.#vault.sql, job.jobId)) {
      logSent(tx, {
        envelopeId,
        accountId: job.destination,
        deviceId,
        reference: retryReference(envelopeId),
        content: job.content,
        kind: job.kind,
        messageId,
        sentAt: this.#clock.now(),
      })
    }
  }

  /** Forgets what nobody will ask for any more. */
  prune(now: number): void {
    this.#vault.transaction((tx) => {
      pruneResends(tx, now)
      pruneRetries(tx, now - countsKeptMs)
    })
  }
}

/** What has left may not be written off yet: the relay's answer is on its way, or was lost with a process. */
function leaving(
  tx: Tx,
  { accountId, deviceId }: Address,
  reference: number,
): Pick<SentEnvelope, 'envelopeId' | 'content' | 'messageId'> | null {
  for (const { jobId, destination, kind, content } of encryptedJobs(tx)) {
    if (destination !== accountId || !jobKinds[kind].isSentAgain) continue
    const made = readCiphertexts(tx, jobId).find(
      (one) => one.deviceId === deviceId && retryReference(one.envelopeId) === reference,
    )
    if (made === undefined) continue
    const { messageId } = decodeContent(content)
    return { envelopeId: made.envelopeId, content, messageId }
  }
  return null
}
