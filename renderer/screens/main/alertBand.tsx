import type { Alert } from '../../../src/contract/index.ts'
import { Icon, type IconName } from '../../components/icon.tsx'
import { useServices, useWords } from '../../context.tsx'
import { showDevices } from '../../store/view.ts'
import { isGrave } from './alerts.ts'
import { when } from './thread/words.ts'

interface AlertBandProps {
  readonly alert: Alert
  /** How many wait behind it. */
  readonly others: number
}

const icons: Readonly<Record<Alert['kind'], IconName>> = {
  deviceAdded: 'workstation',
  deviceRemoved: 'workstation',
  identityReplaced: 'sealBroken',
  vaultCopied: 'warning',
}

/** Something about this account that stays until it has been read. */
export function AlertBand({ alert, others }: AlertBandProps) {
  const { text, dates } = useWords()
  const { client, now, view } = useServices()
  const { alertId, kind, deviceName: name } = alert
  const values = { name, known: name === '' ? 'no' : 'yes', time: when(dates, alert.at, now()) }
  return (
    <div role="alert" className="banner-slot">
      <div className={`banner ${isGrave(alert) ? 'danger' : 'warn'}`} data-region="banner">
        <Icon name={icons[kind]} />
        <div className="grow">
          {text(`alert.${kind}`, values)}{' '}
          {others > 0 && <span className="sub">({text('alert.more', { count: others })})</span>}
        </div>
        <button type="button" className="btn opt2" onClick={() => showDevices(view)}>
          {text('alert.devices')}
        </button>
        <button type="button" className="btn" onClick={() => void client.call('alert.dismiss', { alertId })}>
          {text('alert.dismiss')}
        </button>
      </div>
    </div>
  )
}
