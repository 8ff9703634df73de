import { expect, test } from 'vitest'
import type { Alert } from '../../../src/contract/index.ts'
import { gravestOf, isGrave } from './alerts.ts'

const alert = (alertId: number, kind: Alert['kind'], at = 0): Alert => ({ alertId, kind, deviceName: '', at })

test('the gravest alert is shown first, of equal ones the latest', () => {
  expect(gravestOf([])).toBeNull()
  const all = [alert(1, 'deviceRemoved', 9), alert(2, 'deviceAdded', 1), alert(3, 'deviceAdded', 2)]
  expect(gravestOf(all)?.alertId).toBe(3)
  expect(gravestOf([...all, alert(4, 'identityReplaced')])?.alertId).toBe(4)
  expect(gravestOf([...all, alert(4, 'identityReplaced'), alert(5, 'vaultCopied')])?.alertId).toBe(5)
  expect(all.filter(isGrave)).toEqual([])
})
