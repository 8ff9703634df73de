import { useCallback, useEffect, useState } from 'react'
import type { ErrorReport } from '../../../../src/base/errors.ts'
import type { Alert, CallOutput } from '../../../../src/contract/index.ts'
import { useModel, useServices } from '../../../context.tsx'
import { readyOf } from '../../../store/state.ts'

export type Devices = CallOutput<'device.list'>

const none: readonly Alert[] = []

/** The account's devices, asked for anew after each act and whenever an alert comes or goes. */
export function useDevices(): {
  readonly devices: Devices | null
  readonly error: ErrorReport | null
  readonly reload: () => void
} {
  const { client } = useServices()
  const alerts = useModel((model) => readyOf(model)?.alerts ?? none)
  const [devices, setDevices] = useState<Devices | null>(null)
  const [error, setError] = useState<ErrorReport | null>(null)
  const load = useCallback(async (): Promise<void> => {
    const answer = await client.call('device.list', {})
    setError(answer.ok ? null : answer.error)
    if (answer.ok) setDevices(answer.value)
  }, [client])
  useEffect(() => void load(), [load, alerts])
  return { devices, error, reload: () => void load() }
}
