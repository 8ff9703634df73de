import { errorText } from '../../src/text/index.ts'
import type { ErrorReport } from '../../src/base/errors.ts'
import { useText } from '../context.tsx'
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
    </div>
  )
}
