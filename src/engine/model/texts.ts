import type { MessageView } from '../../contract/index.ts'
import type { Station } from './station.ts'

/*
 * What every device has to show, once everything has come to rest (faults off, everybody online and decided, outboxes
 * empty):
 *
 * A text must be shown, once, by every device that its author's account and its recipient's account had when it was sent
 * (linked, and known to be) and still have. "Still have": not removed, not replaced by a reinstallation. Its author's device
 * is one of them.
 *
 * A text may be shown, once or not at all,
 * - by a device of these two accounts that was linked or reinstalled after it was sent;
 * - by everyone, when its author's device was removed or replaced before things came to rest: what waited in its outbox, or
 *   came under an identity that was replaced meanwhile, went with it. What was shown at rest before stays;
 * - by the devices of an account that has lost a device, so that its identity key was replaced, before things came to rest
 *   (but for its author's own): what was made for the old key is not made again for a new one.
 *
 * A text is shown by nobody else, and in no other conversation than its own. No device shows two texts of one device in
 * another order than that device sent them in.
 *
 * Edits, deletions and reactions: devices that must show a text show it alike: the same version, deleted or not, the same
 * reactions; and the text is one that was written. Not asked of a text whose state a device changed that was removed or
 * replaced before things came to rest, nor of one that was changed while one of both accounts replaced its identity key.
 * Otherwise a text that was deleted is deleted.
 *
 * No mark of an undecryptable message is left, except where one of both accounts has lost a device, or its key: whoever could
 * send again, or read it, is gone.
 * A changed identity is held until a person decides; at rest everybody has accepted, so nothing is held.
 */

export interface Account {
  readonly accountId: string
  /** The devices that it has. */
  stations: Station[]
  /** A device was linked, removed or reinstalled and it is not done yet. */
  busy: boolean
  /** A device has ended, and what it sent last with it. */
  lostDevice: boolean
  /** Its identity key is being replaced, and not everybody has decided about it yet. */
  newKey: boolean
}

export interface Text {
  readonly messageId: string
  readonly from: Account
  readonly to: Account
  readonly station: Station
  /** Its number among those of its author's device. */
  readonly number: number
  /** What it may read. */
  readonly versions: Set<string>
  must: readonly Station[]
  /** Who has changed it since the last rest. */
  changedBy: Set<Station>
  deletedBy: Set<Station>
  /** Its state may differ. */
  tainted: boolean
  settled: boolean
}

/** What a device shows: its conversations, by the other account's id. */
export type Shown = ReadonlyMap<string, readonly MessageView[]>

export interface Verdict {
  /** What time may heal. */
  readonly lacking: readonly string[]
  /** What nothing heals. */
  readonly wrong: readonly string[]
}

/** Whoever has ended takes their unfinished business with them. */
export function forgetEnded(texts: Iterable<Text>): void {
  for (const text of texts) {
    if (text.station.ended && !text.settled) text.must = []
    text.must = text.must.filter((station) => !station.ended)
    if ([...text.changedBy].some((station) => station.ended)) text.tainted = true
    forgive(text)
  }
}

/** What the replacement of an identity key excuses. */
export function forgive(text: Text): void {
  const { from, to, station } = text
  const excused = [from, to].flatMap(({ newKey, stations }) => (newKey ? stations : []))
  if (!text.settled) text.must = text.must.filter((one) => one === station || !excused.includes(one))
  if ((to.newKey || from.newKey) && text.changedBy.size > 0) text.tainted = true
}

/** At rest: from here on it counts as shown. */
export function settle(texts: Iterable<Text>, accounts: readonly Account[]): void {
  for (const account of accounts) account.newKey = false
  for (const text of texts) {
    text.settled = true
    text.changedBy = new Set()
  }
}

export function judge(
  texts: ReadonlyMap<string, Text>,
  accounts: readonly Account[],
  shown: ReadonlyMap<Station, Shown>,
): Verdict {
  const lacking: string[] = []
  const wrong: string[] = []
  for (const account of accounts) {
    for (const station of account.stations) {
      const conversations = shown.get(station) ?? new Map<string, readonly MessageView[]>()
      for (const [otherId, views] of conversations) {
        const where = `${station.name} with ${nameOf(accounts, otherId)}`
        wrong.push(...misplaced(texts, account, otherId, views).map((what) => `${where}: ${what}`))
        lacking.push(...marks(accounts, account, views).map((what) => `${where}: ${what}`))
      }
    }
  }
  for (const text of texts.values()) lacking.push(...unlike(text, shown))
  return { lacking, wrong }
}

function misplaced(
  texts: ReadonlyMap<string, Text>,
  account: Account,
  otherId: string,
  views: readonly MessageView[],
): string[] {
  const found: string[] = []
  const seen = new Set<string>()
  const last = new Map<Station, Text>()
  for (const view of views.filter(({ kind }) => kind === 'text')) {
    const text = texts.get(view.messageId)
    if (text === undefined) {
      found.push(`shows ${view.text}, which nobody sent`)
      continue
    }
    const here = [text.from, text.to].includes(account) && text.from.accountId === view.authorId
    const between = [text.from.accountId, text.to.accountId].toSorted().join()
    if (!here || between !== [account.accountId, otherId].toSorted().join()) {
      found.push(`shows ${labelOf(text)}, which is not for here`)
    }
    if (seen.has(view.messageId)) found.push(`shows ${labelOf(text)} twice`)
    seen.add(view.messageId)
    const before = last.get(text.station)
    if (before !== undefined && before.number > text.number) {
      found.push(`shows ${labelOf(text)} after ${labelOf(before)}`)
    }
    last.set(text.station, text)
    if (!view.deleted && !text.versions.has(view.text)) found.push(`${labelOf(text)} reads ${view.text}`)
  }
  return found
}

function marks(accounts: readonly Account[], own: Account, views: readonly MessageView[]): string[] {
  return views.flatMap((view) => {
    const author = accounts.find(({ accountId }) => accountId === view.authorId)
    const excused = own.lostDevice || author?.lostDevice === true
    if (view.kind === 'undecryptable' && !excused) return ['an undecryptable mark']
    return view.delivery === 'failed' ? [`failed: ${view.error?.code}`] : []
  })
}

/** Where a text is not shown though it must be, or not alike. */
function unlike(text: Text, shown: ReadonlyMap<Station, Shown>): string[] {
  const found: string[] = []
  const states = new Map<string, string>()
  for (const station of text.must) {
    const view = viewOf(text, station, shown)
    if (view === undefined) found.push(`${station.name} lacks ${labelOf(text)}`)
    else states.set(stateOf(view), station.name)
    const gone = [...text.deletedBy].some((by) => !by.ended)
    if (view !== undefined && gone && !view.deleted && !text.tainted)
      found.push(`${station.name} keeps ${labelOf(text)}`)
  }
  if (states.size > 1 && !text.tainted) {
    const all = [...states].map(([state, name]) => `${name}: ${state}`).join('; ')
    found.push(`${labelOf(text)} differs: ${all}`)
  }
  return found
}

function viewOf(text: Text, station: Station, shown: ReadonlyMap<Station, Shown>): MessageView | undefined {
  const conversations = shown.get(station)
  for (const otherId of [text.from.accountId, text.to.accountId]) {
    const view = conversations?.get(otherId)?.find(({ messageId }) => messageId === text.messageId)
    if (view !== undefined) return view
  }
  return undefined
}

function stateOf({ text, deleted, editedAt, reactions }: MessageView): string {
  const sorted = reactions.map((reaction) => JSON.stringify(reaction)).toSorted()
  return JSON.stringify(deleted ? { deleted } : { text, editedAt, reactions: sorted })
}

export function labelOf(text: Text): string {
  return `${text.station.name}#${text.number}`
}

function nameOf(accounts: readonly Account[], accountId: string): string {
  const index = accounts.findIndex((account) => account.accountId === accountId)
  return index < 0 ? accountId : String.fromCharCode(65 + index)
}
