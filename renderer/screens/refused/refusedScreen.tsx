import { useEffect, useRef } from 'react'
import { errorText } from '../../../src/text/index.ts'
import type { ErrorReport } from '../../../src/base/errors.ts'
import { Icon } from '../../components/icon.tsx'
import { useServices, useText } from '../../context.tsx'

/** Valise cannot start here: what happened, what to do, and the code for support. */
export function RefusedScreen({ error }: { readonly error: ErrorReport }) {
  const text = useText()
  const { client } = useServices()
  const title = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = text('app.titleOf', { name: text('refused.title') })
    title.current?.focus()
  }, [text])
  return (
    <main className="centred" data-region="main">
      <div className="centred-box refused">
        <h1 ref={title} tabIndex={-1}>
          {text('refused.title')}
        </h1>
        <div className="note danger" role="alert">
          <Icon name="warning" />
          <p>{errorText(text, error.code)}</p>
        </div>
        <p className="hint">{text('refused.code', { code: error.code })}</p>
        <div className="acts">
          <button
            type="button"
            className="btn lg"
            onClick={() => void client.call('window.control', { action: 'close' })}
          >
            {text('refused.close')}
          </button>
        </div>
      </div>
    </main>
  )
}

export function StartingScreen() {
  const text = useText()
  return (
    <main className="centred">
      <h1 className="vh">{text('app.title')}</h1>
      <p className="hint" role="status">
        {text('app.opening')}
      </p>
    </main>
  )
}
