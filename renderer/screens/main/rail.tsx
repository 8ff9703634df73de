import { Icon, type IconName } from '../../components/icon.tsx'
import { useModel, useServices, useText, useView } from '../../context.tsx'
import { readyOf } from '../../store/state.ts'
import { showDirectory, type Section } from '../../store/view.ts'

const sections: readonly { readonly section: Section; readonly icon: IconName }[] = [
  { section: 'messages', icon: 'messages' },
  { section: 'directory', icon: 'directory' },
  { section: 'settings', icon: 'settings' },
]

export function Rail() {
  const text = useText()
  const { view } = useServices()
  const current = useView((one) => one.section)
  const unread = useModel(
    (model) => readyOf(model)?.conversations.filter((one) => one.unread > 0).length ?? 0,
  )
  const show = (section: Section): void =>
    section === 'directory' ? showDirectory(view) : view.setState({ section })
  return (
    <nav className="rail" aria-label={text('rail.label')} data-region="rail">
      {sections.map(({ section, icon }) => (
        <button
          key={section}
          type="button"
          className={section === 'settings' ? 'end' : undefined}
          aria-current={section === current ? 'page' : undefined}
          data-region-focus={section === current ? '' : undefined}
          title={text(`rail.${section}`)}
          onClick={() => show(section)}
        >
          <Icon name={icon} />
          <span className="lb">{text(`rail.${section}`)}</span>
          {section === 'messages' && unread > 0 && (
            <>
              <span className="count" aria-hidden="true">
                {unread}
              </span>
              <span className="vh">{text('rail.unread', { count: unread })}</span>
            </>
          )}
        </button>
      ))}
    </nav>
  )
}
