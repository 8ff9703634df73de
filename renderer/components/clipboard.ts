/**
 * Puts a text on the clipboard because a person asked. The page has no permissions (rule 7), so not by
 * `navigator.clipboard` but by the copy command, which works for a person's own act.
 */
export function copyText(value: string): void {
  const fill = (event: ClipboardEvent): void => {
    event.clipboardData?.setData('text/plain', value)
    event.preventDefault()
  }
  document.addEventListener('copy', fill, { once: true, capture: true })
  document.execCommand('copy')
  document.removeEventListener('copy', fill, { capture: true })
}
