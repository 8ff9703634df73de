import { useCallback, useEffect, useRef, useState } from 'react'
import type { ErrorReport } from '../../../src/base/errors.ts'
import type { Person } from '../../../src/contract/index.ts'
import { useModel, useServices } from '../../context.tsx'
import { readyOf } from '../../store/state.ts'

interface Found {
  readonly people: readonly Person[]
  readonly next: string | null
  readonly total: number
}

export interface Directory {
  /** Null until the first answer. */
  readonly found: Found | null
  readonly busy: boolean
  readonly error: ErrorReport | null
  readonly more: () => void
  readonly again: () => void
}

/** Each question counts, so one is asked when a word is typed, not at each letter; two letters may be a whole name. */
const pauseMs = 400
const shortPauseMs = 900
const shortQuery = 2

/** The directory's answer to a query, asked once typing pauses, and its further pages. */
export function useDirectory(query: string): Directory {
  const { client } = useServices()
  const online = useModel((model) => readyOf(model)?.connection.state === 'online')
  const [found, setFound] = useState<Found | null>(null)
  const [busy, setBusy] = useState(true)
  const [error, setError] = useState<ErrorReport | null>(null)
  const turn = useRef(0)

  const ask = useCallback(
    async (after: string | null, before: readonly Person[]): Promise<void> => {
      const mine = ++turn.current
      setBusy(true)
      const answer = await client.call('directory.search', { query: query.trim(), after })
      // A later question is under way: this answer belongs to another query.
      if (mine !== turn.current) return
      setBusy(false)
      setError(answer.ok ? null : answer.error)
      if (answer.ok) setFound({ ...answer.value, people: [...before, ...answer.value.people] })
    },
    [client, query],
  )

  const first = useRef(true)
  useEffect(() => {
    const usual = query.trim().length > shortQuery ? pauseMs : shortPauseMs
    const timer = setTimeout(() => void ask(null, []), first.current ? 0 : usual)
    first.current = false
    return () => clearTimeout(timer)
    // Asked again when the network is back.
  }, [ask, online, query])

  return {
    found,
    busy,
    error,
    more: () => {
      if (found?.next && !busy) void ask(found.next, found.people)
    },
    again: () => void ask(null, []),
  }
}
