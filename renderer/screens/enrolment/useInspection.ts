import { useCallback, useEffect, useRef, useState } from 'react'
import type { ErrorReport } from '../../../src/base/errors.ts'
import type { CallOutput } from '../../../src/contract/index.ts'
import { useServices } from '../../context.tsx'

export interface Inspected {
  readonly invitation: string
  readonly found: CallOutput<'enrolment.inspect'>
}

export type Inspection =
  | { readonly kind: 'none' }
  | { readonly kind: 'checking' }
  | { readonly kind: 'found'; readonly inspected: Inspected }
  | { readonly kind: 'refused'; readonly error: ErrorReport }

const pauseMs = 500

/**
 * Asks the relay about an invitation once its text has stood still; null: nothing to ask. `now` asks at once and
 * answers with what was found.
 */
export function useInspection(invitation: string | null): {
  readonly inspection: Inspection
  readonly now: () => Promise<Inspected | null>
} {
  const { client } = useServices()
  const [inspection, setInspection] = useState<Inspection>({ kind: 'none' })
  const wanted = useRef(0)

  /** The question about the text that stands there now, once it was asked. */
  const asked = useRef<Promise<Inspected | null> | null>(null)

  const ask = useCallback(
    async (text: string): Promise<Inspected | null> => {
      const turn = ++wanted.current
      setInspection({ kind: 'checking' })
      const answer = await client.call('enrolment.inspect', { invitation: text })
      const inspected = answer.ok ? { invitation: text, found: answer.value } : null
      // The text has changed meanwhile: this answer is about another one.
      if (turn !== wanted.current) return null
      setInspection(
        answer.ok
          ? { kind: 'found', inspected: { invitation: text, found: answer.value } }
          : { kind: 'refused', error: answer.error },
      )
      return inspected
    },
    [client],
  )

  useEffect(() => {
    wanted.current += 1
    asked.current = null
    setInspection({ kind: 'none' })
    if (invitation === null) return undefined
    const timer = setTimeout(() => void (asked.current ??= ask(invitation)), pauseMs)
    return () => clearTimeout(timer)
  }, [invitation, ask])

  return {
    inspection,
    now: async () => {
      if (invitation === null) return null
      // Pressed while it is being asked: a second question would discard the first one's answer.
      if (inspection.kind !== 'refused' && asked.current !== null) return asked.current
      asked.current = ask(invitation)
      return asked.current
    },
  }
}
