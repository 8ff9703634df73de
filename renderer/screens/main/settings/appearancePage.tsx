import { useId } from 'react'
import type { Theme } from '../../../../src/contract/index.ts'
import { languages, type Language, type TextKey } from '../../../../src/text/index.ts'
import { Icon } from '../../../components/icon.tsx'
import { useModel, useServices, useText } from '../../../context.tsx'

const languageNames: Readonly<Record<Language, TextKey>> = {
  fr: 'app.languageFrench',
  en: 'app.languageEnglish',
}

type ThemeName = NonNullable<Theme> | 'system'
const themeNames: Readonly<Record<ThemeName, TextKey>> = {
  system: 'settings.themeSystem',
  light: 'settings.themeLight',
  dark: 'settings.themeDark',
  contrast: 'settings.themeContrast',
}
const themes = Object.keys(themeNames) as readonly ThemeName[]

export function AppearancePage() {
  const text = useText()
  const { client } = useServices()
  const appearance = useModel((model) => model.appearance)
  return (
    <section className="sgroup">
      <h3>{text('settings.appearance')}</h3>
      <Choice
        label={text('settings.language')}
        hint={text('settings.languageHint')}
        value={appearance.locale}
        options={languages.map((language) => ({ value: language, name: text(languageNames[language]) }))}
        onChange={(locale) => void client.call('appearance.set', { locale })}
      />
      <Choice
        label={text('settings.theme')}
        hint={text('settings.themeHint')}
        value={appearance.theme ?? 'system'}
        options={themes.map((theme) => ({ value: theme, name: text(themeNames[theme]) }))}
        onChange={(theme) => void client.call('appearance.set', { theme: theme === 'system' ? null : theme })}
      />
    </section>
  )
}

interface ChoiceProps<V extends string> {
  readonly label: string
  readonly hint: string
  readonly value: V
  readonly options: readonly { readonly value: V; readonly name: string }[]
  readonly onChange: (value: V) => void
}

function Choice<V extends string>({ label, hint, value, options, onChange }: ChoiceProps<V>) {
  const id = useId()
  const hintId = useId()
  return (
    <div className="srow">
      <label className="h" htmlFor={id}>
        {label}
      </label>
      <p className="d" id={hintId}>
        {hint}
      </p>
      <div className="ct">
        <span className="select">
          <select
            id={id}
            value={value}
            aria-describedby={hintId}
            onChange={(event) => {
              const chosen = options.find((option) => option.value === event.target.value)
              if (chosen) onChange(chosen.value)
            }}
          >
            {options.map((option) => (
              <option key={option.value} value={option.value}>
                {option.name}
              </option>
            ))}
          </select>
          <Icon name="down" small />
        </span>
      </div>
    </div>
  )
}
