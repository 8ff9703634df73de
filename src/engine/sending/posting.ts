import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { copyBytes, type Bytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { CodedError } from '../../base/errors.ts'
import { encodeContent, isForOwnDevices, type Body, type Content } from '../../content/content.ts'
import {
  deleteLane,
  insertJob,
  type Job,
  type JobKind,
  type NewJob,
} from '../../storage/repositories/outbox.ts'
import { readOwnDevices } from '../../storage/repositories/ownDevices.ts'
import { markProfileKeySent } from '../../storage/repositories/conversations.ts'
import { forgetSetting, readSetting, writeSetting } from '../../storage/repositories/settings.ts'
import type { Sql } from '../../storage/binding.ts'
import type { Tx } from '../../storage/vault.ts'
import { limits } from '../../wire/limits.ts'
import { isProperJob, jobKinds } from './jobKinds.ts'
import type { Self } from '../account/self.ts'

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
    this.#insert(tx, { accountId, onlyDevice: null }, post, encodeContent(content))
    markProfileKeySent(tx, accountId)
    return content
  }

  /** Once it has left: the account's other devices are told what was sent, and never what was not. */
  shareSent(tx: Tx, job: Pick<Job, 'kind' | 'destination' | 'content'>): void {
    if (!jobKinds[job.kind].isShared) return
    this.toOwnDevices(tx, { kind: 'sentMessage', destination: job.destination, content: job.content })
  }

  /**
   * To the account's other devices, where there are any: a job and a lane for each, so that one which is away, or has not
   * taken up the account's new key yet, holds up none of the others.
   */
  toOwnDevices(tx: Tx, body: Body, messageId: Bytes = newId()): void {
    if (!isForOwnDevices(body)) return
    for (const { deviceId } of otherOwnDevices(tx, this.#self.deviceId)) {
      this.toOwnDevice(tx, deviceId, body, messageId)
    }
  }

  toOwnDevice(tx: Tx, deviceId: number, body: Body, messageId: Bytes = newId()): void {
    const content = { messageId, sentAt: this.#clock.now(), profileKey: null, resentEnvelopeId: null }
    const to = { accountId: this.#self.accountId, onlyDevice: deviceId }
    this.#insert(tx, to, { kind: 'sync', refersTo: messageId }, encodeContent({ ...content, body }))
  }

  /** To one device: something that is sent again, or a request to send again. `content` as the outbox keeps it. */
  toDevice(
    tx: Tx,
    to: { readonly accountId: string; readonly deviceId: number },
    kind: 'resend' | 'retryRequest',
    content: Bytes,
  ): void {
    this.#insert(tx, { accountId: to.accountId, onlyDevice: to.deviceId }, { kind }, content)
  }

  #insert(
    tx: Tx,
    {
      accountId: destination,
      onlyDevice,
    }: { readonly accountId: string; readonly onlyDevice: number | null },
    post: Pick<Post, 'kind' | 'position' | 'refersTo'>,
    content: Bytes,
  ): void {
    const now = this.#clock.now()
    const age = jobKinds[post.kind].maximumAge
    const job: NewJob = {
      lane: destination === this.#self.accountId ? ownLane(destination, onlyDevice) : destination,
      destination,
      kind: post.kind,
      messagePosition: post.position ?? null,
      content,
      createdAt: now,
      onlyDevice,
      expiresAt: age === null ? null : now + age,
      refersTo: post.refersTo ?? null,
    }
    if (!isProperJob(job)) throw new CodedError('internal')
    insertJob(tx, job)
  }
}

/** The lane of what goes to one of the account's own devices. */
export function ownLane(accountId: string, deviceId: number | null): string {
  return `${accountId}/${deviceId ?? 0}`
}

const comingSchema = z.strictObject({ deviceId: z.int(), until: z.number() })

/** A device that this one has let in counts before the list names it: it must not lack what is written until then. */
export function otherOwnDevices(sql: Sql, ownDeviceId: number): readonly { readonly deviceId: number }[] {
  const listed = readOwnDevices(sql).filter(({ deviceId }) => deviceId !== ownDeviceId)
  const coming = comingDevice(sql)
  if (coming === null || listed.some(({ deviceId }) => deviceId === coming.deviceId)) return listed
  return [...listed, coming]
}

/** Durable before the account's keys are handed over to it. `now` in ms. */
export function expectDevice(tx: Tx, deviceId: number, now: number): void {
  writeSetting(tx, 'deviceComing', JSON.stringify({ deviceId, until: now + limits.linkMs }))
}

/** It has come, or its time is over: then what was kept for it goes. */
export function endExpectation(tx: Tx, accountId: string, now: number): void {
  const coming = comingDevice(tx)
  if (coming === null) return
  const came = readOwnDevices(tx).some(({ deviceId }) => deviceId === coming.deviceId)
  if (!came && now < coming.until) return
  if (came) forgetSetting(tx, 'deviceComing')
  else expectNobody(tx, accountId)
}

/** Whoever was let in will not come: what was kept for it goes. */
export function expectNobody(tx: Tx, accountId: string): void {
  const coming = comingDevice(tx)
  if (coming === null) return
  forgetSetting(tx, 'deviceComing')
  deleteLane(tx, ownLane(accountId, coming.deviceId))
}

export function comingDeviceId(sql: Sql): number | null {
  return comingDevice(sql)?.deviceId ?? null
}

function comingDevice(sql: Sql): z.infer<typeof comingSchema> | null {
  const text = readSetting(sql, 'deviceComing')
  return text === null ? null : comingSchema.parse(JSON.parse(text))
}

function newId(): Bytes {
  return copyBytes(randomBytes(16))
}
