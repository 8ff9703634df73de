import { useEffect, useId, useRef, useState } from 'react'
import type { DeviceView } from '../../../../src/contract/index.ts'
import { ErrorLine } from '../../../components/errorLine.tsx'
import { Icon } from '../../../components/icon.tsx'
import { useText } from '../../../context.tsx'
import { AdditionDialog } from './additionDialog.tsx'
import { DeviceRow } from './deviceRow.tsx'
import { RemovalDialog } from './removalDialog.tsx'
import { useDevices, type Devices } from './useDevices.ts'

/** The account's devices: which they are, one more, one less. */
export function DevicesPage() {
  const text = useText()
  const { devices, error, reload } = useDevices()
  const acted = useRef(false)
  const [removing, setRemoving] = useState<DeviceView | null>(null)
  const [adding, setAdding] = useState(false)
  const lead = useRef<HTMLParagraphElement>(null)
  // A row went away with the button that had the focus.
  useEffect(() => {
    if (acted.current && document.activeElement === document.body) lead.current?.focus()
  }, [devices])
  const again = (): void => {
    acted.current = true
    reload()
  }
  const others = devices?.devices.filter((one) => !one.current) ?? []
  return (
    <>
      <p className="lead" ref={lead} tabIndex={-1}>
        {text('devices.lead')}
      </p>
      <ErrorLine error={error} />
      {devices === null && error === null && <p className="hint">{text('devices.loading')}</p>}
      {devices !== null && (
        <>
          <section className="sgroup">
            <h3>{text('devices.this')}</h3>
            {devices.devices
              .filter((one) => one.current)
              .map((one) => (
                <DeviceRow key={one.deviceId} device={one} onRemove={null} />
              ))}
          </section>
          <section className="sgroup">
            <h3>{text('devices.others')}</h3>
            {others.length === 0 && <p className="hint srow">{text('devices.none')}</p>}
            {others.map((one) => (
              <DeviceRow key={one.deviceId} device={one} onRemove={() => setRemoving(one)} />
            ))}
          </section>
          <LinkButton devices={devices} onLink={() => setAdding(true)} />
        </>
      )}
      {removing !== null && (
        <RemovalDialog device={removing} onClose={() => setRemoving(null)} onRemoved={again} />
      )}
      {adding && devices !== null && (
        <AdditionDialog relay={devices.relay} onClose={() => setAdding(false)} onLinked={again} />
      )}
    </>
  )
}

function LinkButton({ devices, onLink }: { readonly devices: Devices; readonly onLink: () => void }) {
  const text = useText()
  const reasonId = useId()
  const full = devices.devices.length >= devices.limit
  return (
    <div className="acts">
      <button
        type="button"
        className="btn"
        aria-disabled={full}
        aria-describedby={reasonId}
        onClick={() => !full && onLink()}
      >
        <Icon name="plus" small />
        {text('devices.link')}
      </button>
      <span className="hint" id={reasonId}>
        {text(full ? 'devices.limitReached' : 'devices.limit', { count: devices.limit })}
      </span>
    </div>
  )
}
