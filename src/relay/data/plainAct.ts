import type { JournalRow } from '../../journal/index.ts'

/** An act as it is shown to a person or a program. */
export interface PlainAct {
  readonly seq: number
  readonly time: number
  readonly type: string
  readonly actor: string
  /** The payload, which said by whom, is gone. */
  readonly erased?: true
  readonly by?: string
  readonly account?: string
  readonly detail?: string | number
}

export function plainAct({ seq, time, type, actor, payload }: JournalRow): PlainAct {
  const parsed: unknown = payload === null ? {} : JSON.parse(payload)
  const { by, account, detail } = parsed as Pick<PlainAct, 'by' | 'account' | 'detail'>
  return {
    seq,
    time,
    type,
    actor,
    ...(payload === null ? { erased: true } : {}),
    ...(by === undefined ? {} : { by }),
    ...(account === undefined ? {} : { account }),
    ...(detail === undefined ? {} : { detail }),
  }
}
