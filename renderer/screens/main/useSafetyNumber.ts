import { useCallback, useEffect, useState } from 'react'
import type { ErrorReport, Result } from '../../../src/base/errors.ts'
import type { CallOutput } from '../../../src/contract/index.ts'
import { useServices } from '../../context.tsx'

export type SafetyNumber = CallOutput<'identity.safetyNumber'>

interface SafetyNumberActing {
  readonly number: SafetyNumber | null
  readonly error: ErrorReport | null
  readonly busy: boolean
  /** Each answers whether it was done; else the number is read again, for it may be another one now. */
  readonly markSame: () => Promise<boolean>
  readonly acceptUncompared: () => Promise<boolean>
  readonly takeBack: () => Promise<boolean>
}

/** Reads the number of an account and decides about the identity that it stands for. */
export function useSafetyNumber(accountId: string): SafetyNumberActing {
  const { client } = useServices()
  const [number, setNumber] = useState<SafetyNumber | null>(null)
  const [error, setError] = useState<ErrorReport | null>(null)
  const [busy, setBusy] = useState(false)
  const read = useCallback(async (): Promise<void> => {
    const answer = await client.call('identity.safetyNumber', { accountId })
    if (answer.ok) setNumber(answer.value)
    else setError(answer.error)
  }, [client, accountId])
  useEffect(() => void read(), [read])

  const done = async (act: () => Promise<Result<unknown>>): Promise<boolean> => {
    if (busy) return false
    setBusy(true)
    setError(null)
    const answer = await act()
    setBusy(false)
    if (answer.ok) return true
    setError(answer.error)
    await read()
    return false
  }
  // The groups that the person saw go along, so that a key which changed again is not accepted with it.
  const groups = [...(number?.groups ?? [])]
  const verify = (verified: boolean) => () => client.call('identity.verify', { accountId, verified, groups })
  const accept = () => client.call('identity.accept', { accountId, groups })
  return {
    number,
    error,
    busy,
    markSame: () => done(verify(true)),
    acceptUncompared: () => done(accept),
    takeBack: () => done(verify(false)),
  }
}
