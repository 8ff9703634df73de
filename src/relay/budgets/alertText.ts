import type { RelayText } from '../../text/relay.ts'
import type { Alert } from '../store/alertStore.ts'

/** One alert as an administrator reads it. Names no person but by the account's id (SECURITY 9). */
export function alertLine(alert: Alert, text: RelayText): string {
  const { id, accountId, deviceId, budget, used, limit } = alert
  const at = new Date(alert.at).toISOString()
  const what = text(`relayBudget.${budget}`)
  const values = { id, at, account: accountId, device: deviceId, what, used, limit }
  if (budget === 'keysByPermit' || budget === 'keysByContacts') return text('relayAlert.spared', values)
  return text(
    alert.level === 'device' ? `relayAlert.${alert.kind}Device` : `relayAlert.${alert.kind}`,
    values,
  )
}

/** A message as sendmail and its kin take it on standard input, without a recipient: the command line names that. */
export function alertMessage(alerts: readonly Alert[], relayName: string, text: RelayText): string {
  const subject = Buffer.from(text('relayAlert.subject', { count: alerts.length })).toString('base64')
  const lines = alerts.map((alert) => `- ${alertLine(alert, text)}`)
  return [
    `Subject: =?UTF-8?B?${subject}?=`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    'Auto-Submitted: auto-generated',
    '',
    text('relayAlert.intro', { relay: relayName }),
    '',
    ...lines,
    '',
    text('relayAlert.whatToDo'),
    '',
  ].join('\n')
}
