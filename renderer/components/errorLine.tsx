import { errorText } from '../../src/text/index.ts'
import type { ErrorReport } from '../../src/base/errors.ts'
import { useServices, useText } from '../context.tsx'
import { Icon } from './icon.tsx'

interface ErrorLineProps {
  readonly error: ErrorReport | null
  readonly id?: string
  /** Said after the sentence of the code. */
  readonly more?: string
}

/** The sentence of an error under the field that caused it, told to screen readers when it appears. */
export function ErrorLine({ error, id, more }: ErrorLineProps) {
  const text = useText()
  return (
    <div id={id} role="alert" className="errslot">
      {error && (
        <span className="errline">
          <Icon name="warning" small />
          <span>
            {errorText(text, error.code)}
            {more === undefined ? null : ` ${more}`}
          </span>
        </span>
      )}
      <StepUp error={error} />
    </div>
  )
}

/** Where the relay lets the person go on after the second factor was shown, in the system's browser. */
function StepUp({ error }: Pick<ErrorLineProps, 'error'>) {
  const text = useText()
  const { client } = useServices()
  const address = error?.code === 'budget.stepUp' ? error.details['address'] : undefined
  if (typeof address !== 'string') return null
  return (
    <button type="button" className="btn" onClick={() => void client.call('link.open', { address })}>
      {text('stepUp.open')}
    </button>
  )
}
