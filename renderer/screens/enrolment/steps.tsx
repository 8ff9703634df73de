import type { TextKey } from '../../../src/text/index.ts'
import { Icon } from '../../components/icon.tsx'
import { LanguageSwitch } from '../../components/languageSwitch.tsx'
import { useText } from '../../context.tsx'

const steps: readonly { readonly name: TextKey; readonly hint: TextKey }[] = [
  { name: 'enrol.stepOrganisation', hint: 'enrol.stepOrganisationHint' },
  { name: 'enrol.stepWorkstation', hint: 'enrol.stepWorkstationHint' },
  { name: 'enrol.stepDone', hint: 'enrol.stepDoneHint' },
]

interface StepsProps {
  readonly current: number
  readonly helpContact: string
}

export function Steps({ current, helpContact }: StepsProps) {
  const text = useText()
  return (
    <aside className="steps" data-region="steps" aria-label={text('enrol.stepsTitle')}>
      <div className="steps-head">
        <h2>{text('enrol.stepsTitle')}</h2>
        <p className="hint">{text('enrol.stepsHint')}</p>
      </div>
      <ol>
        {steps.map((step, index) => (
          <li
            key={step.name}
            className={index < current ? 'done' : undefined}
            aria-current={index === current ? 'step' : undefined}
          >
            <span className="n">
              {index < current ? <Icon name="check" small label={text('enrol.stepIsDone')} /> : index + 1}
            </span>
            <b>{text(step.name)}</b>
            <span>{text(step.hint)}</span>
          </li>
        ))}
      </ol>
      <p className="hint steps-foot">
        {helpContact !== '' && <span>{text('app.help', { contact: helpContact })}</span>}
        <LanguageSwitch />
      </p>
    </aside>
  )
}
