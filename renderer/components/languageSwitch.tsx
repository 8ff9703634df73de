import type { TextKey, Language } from '../../src/text/index.ts'
import { useModel, useServices, useText } from '../context.tsx'

const names: Readonly<Record<Language, TextKey>> = { fr: 'app.languageFrench', en: 'app.languageEnglish' }

/** Leads to the other language, named in that language. */
export function LanguageSwitch() {
  const text = useText()
  const { client } = useServices()
  const language = useModel((model) => model.appearance.locale)
  const other: Language = language === 'fr' ? 'en' : 'fr'
  return (
    <button
      type="button"
      className="linklike"
      lang={other}
      onClick={() => void client.call('appearance.set', { locale: other })}
    >
      {text(names[other])}
    </button>
  )
}
