import { useEffect, useId, useRef, type ReactNode } from 'react'
import { useText } from '../context.tsx'
import { Icon } from './icon.tsx'

interface DialogProps {
  readonly title: string
  /** A line under the title. */
  readonly lead?: string
  readonly children: ReactNode
  /** Buttons, the one that is asked about last. */
  readonly footer: ReactNode
  readonly narrow?: boolean
  readonly onClose: () => void
}

/**
 * A native modal dialog: Escape closes it, the focus comes back to where it was. It begins at `data-first`, which must
 * never be a button that trusts, deletes or sends.
 */
export function Dialog({ title, lead, children, footer, narrow = false, onClose }: DialogProps) {
  const text = useText()
  const titleId = useId()
  const element = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const dialog = element.current
    const opener = document.activeElement
    const home = opener?.closest('[data-region]') ?? null
    dialog?.showModal()
    dialog?.querySelector<HTMLElement>('[data-first]')?.focus()
    return () => {
      dialog?.close()
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
      // What was asked about is gone: the one stop of its region has the focus then.
      else home?.querySelector<HTMLElement>('[data-region-focus]')?.focus()
    }
  }, [])
  return (
    <dialog
      ref={element}
      className={`dialog${narrow ? ' narrow' : ''}`}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      <header>
        <div className="grow">
          <h2 id={titleId}>{title}</h2>
          {lead !== undefined && <p className="sub">{lead}</p>}
        </div>
        <button
          type="button"
          className="ib"
          aria-label={text('dialog.close')}
          title={text('dialog.close')}
          onClick={onClose}
        >
          <Icon name="close" />
        </button>
      </header>
      <div className="cnt">{children}</div>
      <footer>{footer}</footer>
    </dialog>
  )
}

/** Whether a modal dialog has the window: then its keys are not the window's. */
export function modalOpen(): boolean {
  return document.querySelector('dialog:modal') !== null
}
