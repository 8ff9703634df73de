import type { ErrorReport } from '../../../src/base/errors.ts'
import { ErrorLine } from '../../components/errorLine.tsx'
import { Icon } from '../../components/icon.tsx'
import { Spelled } from '../../components/spelled.tsx'
import { useNow, useWords } from '../../context.tsx'
import { codeGroups } from '../../components/linkCode.ts'
import type { EnrolmentState } from './enrolmentScreen.tsx'
import { StepTitle } from './stepTitle.tsx'

interface LinkCodeProps {
  readonly link: NonNullable<EnrolmentState['link']>
  readonly busy: boolean
  readonly error: ErrorReport | null
  readonly onAgain: () => void
  readonly onCancel: () => void
}

/** The code to type on the other device, for as long as it is valid. */
export function LinkCode({ link, busy, error, onAgain, onCancel }: LinkCodeProps) {
  const { text, dates } = useWords()
  const now = useNow(1000)
  const valid = link.expiresAt > now
  return (
    <main className="form" data-region="main" aria-label={text('linking.codeTitle')}>
      <StepTitle title={text('linking.codeTitle')} lead={text('linking.codeLead')} />
      {valid ? (
        <div className="col">
          <Spelled groups={codeGroups(link.code)} label={text('linking.codeLabel')} className="code-big" />
          {/* Not read out each second. */}
          <p className="sub num">
            {text('linking.left', { duration: dates.duration(link.expiresAt - now) })}
          </p>
          <p className="sub" role="status">
            {text('linking.waiting')}
          </p>
        </div>
      ) : (
        <div className="note warn" role="alert">
          <Icon name="warning" />
          <p>{text('linking.expired')}</p>
        </div>
      )}
      <ErrorLine error={error} />
      <div className="acts">
        {!valid && (
          <button type="button" className="btn primary lg" aria-disabled={busy} onClick={onAgain}>
            {text(busy ? 'linking.preparing' : 'linking.again')}
          </button>
        )}
        <button type="button" className={valid ? 'btn lg' : 'btn quiet lg'} onClick={onCancel}>
          {text('linking.cancel')}
        </button>
      </div>
    </main>
  )
}
