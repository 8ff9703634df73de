import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react'
import { Icon, type IconName } from './icon.tsx'
import { target } from './roving.ts'

export interface MenuItem {
  readonly key: string
  readonly label: string
  readonly icon?: IconName
  /** A choice among those of its group, or a switch by itself; absent: an act. */
  readonly checked?: boolean
  readonly onChoose: () => void
}

export interface MenuGroup {
  readonly key: string
  /** Of a group whose items exclude each other. */
  readonly label?: string
  readonly items: readonly MenuItem[]
}

interface MenuProps {
  readonly label: string
  readonly icon: IconName
  readonly groups: readonly MenuGroup[]
  readonly tabIndex?: number
  readonly small?: boolean
}

/** A button with a menu: arrows, Home and End inside, Escape and Tab close it. It lies over everything, never cut off. */
export function Menu({ label, icon, groups, tabIndex = 0, small = false }: MenuProps) {
  const [open, setOpen] = useState(false)
  const button = useRef<HTMLButtonElement>(null)
  const close = (): void => {
    setOpen(false)
    button.current?.focus()
  }
  return (
    <>
      <button
        ref={button}
        type="button"
        className={small ? 'ib sm' : 'ib'}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={label}
        title={label}
        tabIndex={tabIndex}
        onClick={() => setOpen(!open)}
      >
        <Icon name={icon} />
      </button>
      {open && <MenuPopup label={label} groups={groups} anchor={button.current} onClose={close} />}
    </>
  )
}

interface MenuPopupProps {
  readonly label: string
  readonly groups: readonly MenuGroup[]
  readonly anchor: HTMLElement | null
  readonly onClose: () => void
}

const edgePx = 8

/** The menu alone, for what opens it by its context key. It closes by `onClose`, which gives the focus back. */
export function MenuPopup({ label, groups, anchor, onClose }: MenuPopupProps) {
  const element = useRef<HTMLDivElement>(null)
  const closing = useRef(onClose)
  closing.current = onClose
  useEffect(() => {
    const popup = element.current
    if (popup === null || anchor === null) return undefined
    popup.showPopover()
    place(popup, anchor)
    items(popup)[0]?.focus()
    const outside = (event: PointerEvent): void => {
      const on = event.target as Node
      if (!popup.contains(on) && !anchor.contains(on)) closing.current()
    }
    document.addEventListener('pointerdown', outside)
    return () => document.removeEventListener('pointerdown', outside)
  }, [anchor])
  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    // The keys of the row or window behind are not meant.
    event.stopPropagation()
    const all = items(event.currentTarget)
    const at = all.findIndex((item) => item === document.activeElement)
    const to = target(event.key, at, all.length)
    if (to !== null) all[to]?.focus()
    else if (event.key === 'Escape' || event.key === 'Tab') onClose()
    else return
    event.preventDefault()
  }
  return (
    <div ref={element} popover="manual" className="menu" role="menu" aria-label={label} onKeyDown={onKeyDown}>
      {groups.map((group) => (
        <Group key={group.key} group={group}>
          {group.items.map((item) => (
            <button
              key={item.key}
              type="button"
              className="inset"
              role={roleOf(group, item)}
              aria-checked={item.checked}
              tabIndex={-1}
              onClick={() => {
                onClose()
                item.onChoose()
              }}
            >
              <span className="mark-slot">
                {item.checked === true && <Icon name="check" small />}
                {item.icon !== undefined && <Icon name={item.icon} small />}
              </span>
              {item.label}
            </button>
          ))}
        </Group>
      ))}
    </div>
  )
}

function Group({ group, children }: { readonly group: MenuGroup; readonly children: ReactNode }) {
  const id = useId()
  return (
    <div role="group" aria-labelledby={group.label === undefined ? undefined : id}>
      {group.label !== undefined && (
        <div className="lsec" id={id} role="presentation">
          {group.label}
        </div>
      )}
      {children}
    </div>
  )
}

function roleOf(group: MenuGroup, item: MenuItem): 'menuitem' | 'menuitemradio' | 'menuitemcheckbox' {
  if (item.checked === undefined) return 'menuitem'
  return group.label === undefined ? 'menuitemcheckbox' : 'menuitemradio'
}

function items(menu: HTMLElement): readonly HTMLElement[] {
  return [...menu.querySelectorAll<HTMLElement>('button')]
}

/** Below the button and aligned with its end, or above it where there is no room. */
function place(popup: HTMLElement, anchor: HTMLElement): void {
  const from = anchor.getBoundingClientRect()
  const { width, height } = popup.getBoundingClientRect()
  const below = from.bottom + 4
  const top = below + height + edgePx <= window.innerHeight ? below : from.top - 4 - height
  const left = Math.min(from.right - width, window.innerWidth - width - edgePx)
  popup.style.top = `${Math.max(edgePx, top)}px`
  popup.style.left = `${Math.max(edgePx, left)}px`
}
