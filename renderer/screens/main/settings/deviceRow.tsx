import type { DeviceView } from '../../../../src/contract/index.ts'
import { dayWords } from '../../../components/days.ts'
import { Icon } from '../../../components/icon.tsx'
import { useText } from '../../../context.tsx'

interface DeviceRowProps {
  readonly device: DeviceView
  /** Null for the one that answers: it is removed from another one. */
  readonly onRemove: (() => void) | null
}

export function DeviceRow({ device, onRemove }: DeviceRowProps) {
  const text = useText()
  const { name, current, fingerprint, addedAt, lastSeenDay } = device
  const facts = { added: dayWords(text, addedAt), seen: dayWords(text, lastSeenDay, true) }
  return (
    <div className="srow device">
      <Icon name="workstation" />
      <div className="device-text">
        <div className="h">
          {name} {current && <span className="tag ok">{text('devices.active')}</span>}
        </div>
        <p className="d">{text(current ? 'devices.factsThis' : 'devices.facts', facts)}</p>
        <p className="d">
          {text('devices.fingerprint')} <span className="mono print">{grouped(fingerprint)}</span>
        </p>
      </div>
      {onRemove !== null && (
        <button
          type="button"
          className="btn dgr-o"
          aria-label={text('devices.removeName', { name })}
          onClick={onRemove}
        >
          {text('devices.remove')}
        </button>
      )}
    </div>
  )
}

function grouped(fingerprint: string): string {
  return (fingerprint.toUpperCase().match(/.{1,4}/gu) ?? []).join(' ')
}
