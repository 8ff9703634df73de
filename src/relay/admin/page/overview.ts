import { errorText } from '../../../text/relay.ts'
import { isErrorCode } from '../../../base/errors.ts'
import { ask } from './api.ts'
import { el, facts } from './dom.ts'
import type { View } from './view.ts'

export const overviewView: View = async (shell) => {
  const { text, moment } = shell
  const state = await ask('overview')
  const { connections, queued, tls, lastBackupAt } = state
  const problem = tls?.problem ?? null
  return [
    ...(problem !== null && isErrorCode(problem)
      ? [el('p', { class: 'note warn' }, errorText(text, problem))]
      : []),
    facts([
      [text('adminPage.organisation'), state.organisation],
      [text('adminPage.version'), state.version],
      [text('adminPage.startedAt'), moment(state.startedAt)],
      [text('adminPage.state'), text(state.ready ? 'adminPage.ready' : 'adminPage.notReady')],
      [text('adminPage.connections'), text('adminPage.connected', connections)],
      [
        text('adminPage.queue'),
        queued === null
          ? text('adminPage.notMeasured')
          : text('adminPage.queued', {
              envelopes: queued.envelopes,
              megabytes: Math.round(queued.bytes / 1e5) / 10,
            }),
      ],
      [
        text('adminPage.certificate'),
        tls === null
          ? text('adminPage.noCertificate')
          : text('adminPage.certificateDates', { from: moment(tls.startsAt), until: moment(tls.endsAt) }),
      ],
      [text('adminPage.backup'), lastBackupAt === null ? text('adminPage.noBackup') : moment(lastBackupAt)],
      [text('adminPage.openAlerts'), String(state.openAlerts)],
    ]),
  ]
}
