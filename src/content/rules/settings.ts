import { compareStamps, type Stamp } from './order.ts'

type Value = boolean | number
/** A change of settings: null leaves one as it was. */
export type Changes = Readonly<Record<string, Value | null>>

/** Each setting with when it was changed; absent: never. */
export type Settings<T extends Changes> = {
  readonly [K in keyof T]?: Stamp & { readonly value: NonNullable<T[K]> }
}

/**
 * Settings after a change from any own device, for conversations (`ConversationSettings`) as for the account
 * (`AccountSettings`): for each setting the newest change wins, whatever came first. `stamp.sentAt` is the body's `changedAt`.
 */
export function mergeSettings<T extends Changes>(
  kept: Settings<T>,
  changes: T,
  { sentAt, changeId }: Stamp,
): Settings<T> {
  const merged: { -readonly [K in keyof T]?: Settings<T>[K] } = { ...kept }
  for (const name of Object.keys(changes) as (keyof T)[]) {
    const value = changes[name]
    const before = kept[name]
    if (!isGiven(value)) continue
    if (before !== undefined && compareStamps(before, { sentAt, changeId }) >= 0) continue
    merged[name] = { sentAt, changeId, value }
  }
  return merged
}

function isGiven<V>(value: V): value is V & NonNullable<V> {
  return value !== null && value !== undefined
}
