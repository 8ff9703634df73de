import { useEffect, useRef, useState } from 'react'
import { Icon } from '../../components/icon.tsx'
import { useModel, useServices, useText } from '../../context.tsx'
import { readyOf } from '../../store/state.ts'
import { showDirectory } from '../../store/view.ts'

/** No conversation is open: on a new workstation the first step, else a word of guidance. */
export function EmptyThread() {
  const text = useText()
  const { view } = useServices()
  const fresh = useModel((model) => readyOf(model)?.conversations.length === 0)
  const count = useDirectorySize(fresh)
  const button = useRef<HTMLButtonElement>(null)
  // On a new workstation the one thing to do is where the keyboard is.
  useEffect(() => {
    if (fresh) button.current?.focus()
  }, [fresh])
  return (
    <main className="thread centred" aria-label={text('empty.label')} data-region="thread">
      <div className="first-steps">
        <div className="col">
          <h2>{text(fresh ? 'empty.readyTitle' : 'empty.chooseTitle')}</h2>
          <p className="lead">{text(fresh ? 'empty.readyLead' : 'empty.chooseLead')}</p>
        </div>
        <div className="sgroup">
          <div className="srow">
            <div className="h">{text('empty.write')}</div>
            <div className="d">{text('empty.directorySize', { count })}</div>
            <div className="ct">
              <button ref={button} type="button" className="btn primary" onClick={() => showDirectory(view)}>
                <Icon name="directory" small />
                {text('empty.openDirectory')}
              </button>
            </div>
          </div>
        </div>
        <p className="hint keys">
          <span>
            <kbd>Ctrl N</kbd> {text('empty.shortcutNew')}
          </span>
          <span>
            <kbd>Alt ↓</kbd> {text('empty.shortcutConversations')}
          </span>
          <span>
            <kbd>F6</kbd> {text('empty.shortcutRegions')}
          </span>
        </p>
      </div>
    </main>
  )
}

/** How many people the directory holds; 0 until it is known. */
function useDirectorySize(wanted: boolean): number {
  const { client } = useServices()
  const online = useModel((model) => readyOf(model)?.connection.state === 'online')
  const [size, setSize] = useState(0)
  useEffect(() => {
    if (!wanted || !online) return
    void client.call('directory.search', { query: '', after: null }).then((answer) => {
      if (answer.ok) setSize(answer.value.total)
    })
  }, [client, wanted, online])
  return size
}
