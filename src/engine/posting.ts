import { randomBytes } from 'node:crypto'
import { copyBytes, type Bytes } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { encodeContent, isForOwnDevices, type Body, type Content } from '../content/content.ts'
import { insertJob, type JobKind } from '../storage/repositories/outbox.ts'
import { readOwnDevices } from '../storage/repositories/ownDevices.ts'
import { markProfileKeySent } from '../storage/repositories/conversations.ts'
import { forgetSetting, readSetting, writeSetting } from '../storage/repositories/settings.ts'
import type { Tx } from '../storage/vault.ts'
import type { Self } from './self.ts'

const day = 24 * 3_600_000

/** After how long a job of a kind is worth nothing any more, in ms; null: it waits for ever. A closed list. */
const maximumAge: Readonly<Record<JobKind, number | null>> = {
  message: 30 * day,
  edit: 30 * day,
  delete: null,
  reaction: 30 * day,
  acknowledgement: 30 * day,
  receipt: 30 * day,
  readReceipt: 30 * day,
  typing: 10_000,
  timer: 30 * day,
  sync: null,
  retryRequest: 7 * day,
  resend: 14 * day,
  profileKey: null,
}

const deviceComing = 'deviceComing'

/** Kinds that the account's other devices get too, as something that was sent. */
const shared: ReadonlySet<JobKind> = new Set([
  'message',
  'edit',
  'delete',
  'reaction',
  'acknowledgement',
  'timer',
])

export interface Post {
  readonly kind: JobKind
  readonly body: Body
  /** Left out: a new one. */
  readonly messageId?: Bytes
  /** Left out: now. */
  readonly sentAt?: number
  /** The row that shows how far it is; it goes with the job. */
  readonly position?: number | null
  /** The message that it is about. */
  readonly refersTo?: Bytes | null
}

/** Puts contents into the outbox, in the transaction of what they tell of. */
export class Posting {
  readonly #self: Self
  readonly #clock: Clock

  constructor(self: Self, clock: Clock) {
    this.#self = self
    this.#clock = clock
  }

  /**
   * To an account, and what is shared to the other devices of one's own. The profile key goes along: whoever this
   * account writes to may write back without a permit. Answers the content that leaves.
   */
  toAccount(tx: Tx, accountId: string, post: Post): Content {
    const content: Content = {
      messageId: post.messageId ?? newId(),
      sentAt: post.sentAt ?? this.#clock.now(),
      profileKey: this.#self.account.profileKey,
      resentEnvelopeId: null,
      body: post.body,
    }
    const encoded = encodeContent(content)
    this.#insert(tx, accountId, post, encoded)
    markProfileKeySent(tx, accountId)
    if (shared.has(post.kind)) {
      this.toOwnDevices(tx, { kind: 'sentMessage', destination: accountId, content: encoded })
    }
    return content
  }

  /** To the account's other devices, where there are any. */
  toOwnDevices(tx: Tx, body: Body, messageId: Bytes = newId()): void {
    if (!isForOwnDevices(body) || !hasOthers(tx)) return
    const content = { messageId, sentAt: this.#clock.now(), profileKey: null, resentEnvelopeId: null }
    this.#insert(tx, this.#self.accountId, { kind: 'sync' }, encodeContent({ ...content, body }))
  }

  /** To one device: something that is sent again, or a request to send again. `content` as the outbox keeps it. */
  toDevice(
    tx: Tx,
    to: { readonly accountId: string; readonly deviceId: number },
    kind: 'resend' | 'retryRequest',
    content: Bytes,
  ): void {
    this.#insert(tx, to.accountId, { kind }, content, to.deviceId)
  }

  #insert(
    tx: Tx,
    destination: string,
    post: Pick<Post, 'kind' | 'position' | 'refersTo'>,
    content: Bytes,
    onlyDevice: number | null = null,
  ): void {
    const now = this.#clock.now()
    const age = maximumAge[post.kind]
    insertJob(tx, {
      lane: destination,
      destination,
      kind: post.kind,
      messagePosition: post.position ?? null,
      content,
      createdAt: now,
      onlyDevice,
      expiresAt: age === null ? null : now + age,
      refersTo: post.refersTo ?? null,
    })
  }
}

/** A device that this one has let in counts before the list names it: it must not lack what is written until then. */
function hasOthers(tx: Tx): boolean {
  if (readOwnDevices(tx).length < 2) return readSetting(tx, deviceComing) !== null
  forgetSetting(tx, deviceComing)
  return true
}

/** Durable before the account's keys are handed over. */
export function expectDevice(tx: Tx): void {
  writeSetting(tx, deviceComing, '1')
}

function newId(): Bytes {
  return copyBytes(randomBytes(16))
}
