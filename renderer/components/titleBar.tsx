import { useModel, useServices, useText } from '../context.tsx'
import { readyOf } from '../store/state.ts'
import type { TextKey } from '../../src/text/index.ts'
import { BrandMark, Icon, type IconName } from './icon.tsx'

type Action = 'minimise' | 'maximise' | 'close'
const actions: readonly { readonly action: Action; readonly icon: IconName; readonly label: TextKey }[] = [
  { action: 'minimise', icon: 'minimise', label: 'app.minimise' },
  { action: 'maximise', icon: 'maximise', label: 'app.maximise' },
  { action: 'close', icon: 'close', label: 'app.close' },
]

/** The window's own title bar: brand, network, window controls. The rest of it drags the window. */
export function TitleBar() {
  const text = useText()
  const { client } = useServices()
  return (
    <header className="titlebar" data-region="title">
      <div className="brand">
        <BrandMark />
        <b>{text('app.title')}</b>
      </div>
      <div className="tb-right">
        <Network />
        <div className="wc" role="group" aria-label={text('app.windowControls')}>
          {actions.map(({ action, icon, label }) => (
            <button
              key={action}
              type="button"
              className={`wc-button inset ${action}`}
              aria-label={text(label)}
              title={text(label)}
              onClick={() => void client.call('window.control', { action })}
            >
              <Icon name={icon} />
            </button>
          ))}
        </div>
      </div>
    </header>
  )
}

function Network() {
  const text = useText()
  const state = useModel((model) => readyOf(model)?.connection.state ?? null)
  if (state === null) return null
  return (
    <span className={`net ${state}`} role="status">
      {text(`network.${state}`)}
    </span>
  )
}
