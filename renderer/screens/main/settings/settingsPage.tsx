import { exhausted } from '../../../../src/base/exhaustive.ts'
import { Icon, type IconName } from '../../../components/icon.tsx'
import { useServices, useText, useView } from '../../../context.tsx'
import type { SettingsPageName } from '../../../store/view.ts'
import { AppearancePage } from './appearancePage.tsx'
import { DevicesPage } from './devicesPage.tsx'
import { PrivacyPage } from './privacyPage.tsx'

const pages: readonly { readonly page: SettingsPageName; readonly icon: IconName }[] = [
  { page: 'privacy', icon: 'shield' },
  { page: 'devices', icon: 'workstation' },
  { page: 'appearance', icon: 'letters' },
]

/** The pages of the settings beside each other; in a narrow window their list stands above. */
export function SettingsPage() {
  const text = useText()
  const { view } = useServices()
  const current = useView((one) => one.settingsPage)
  return (
    <div className="settings">
      <nav className="panel list setnav" aria-label={text('settings.pages')} data-region="list">
        <h1>{text('settings.title')}</h1>
        <div className="setnav-pages">
          {pages.map(({ page, icon }) => (
            <button
              key={page}
              type="button"
              className="inset"
              aria-current={page === current ? 'page' : undefined}
              data-region-focus={page === current ? '' : undefined}
              onClick={() => view.setState({ settingsPage: page })}
            >
              <Icon name={icon} />
              {text(`settings.page.${page}`)}
            </button>
          ))}
        </div>
      </nav>
      <main className="thread" aria-label={text('settings.title')} data-region="main">
        <div className="scroll">
          <div className="setpage">
            <h2 className="page-title">{text(`settings.page.${current}`)}</h2>
            <Page page={current} />
          </div>
        </div>
      </main>
    </div>
  )
}

function Page({ page }: { readonly page: SettingsPageName }) {
  switch (page) {
    case 'appearance':
      return <AppearancePage />
    case 'privacy':
      return <PrivacyPage />
    case 'devices':
      return <DevicesPage />
    default:
      return exhausted(page)
  }
}
