/**
 * What hostile code in the page would try. Each source is the body of an async function in the page with one argument,
 * a loopback address where a server counts whoever comes; it returns a word when it succeeded and null when it was stopped.
 * Each is `allowed` to do nothing: every one must be blocked.
 */
export const probes: Readonly<Record<string, string>> = {
  eval: "return eval('1 + 1') === 2 ? 'ran' : null",
  'new Function': "return new Function('return 1')() === 1 ? 'ran' : null",
  'setTimeout with a string':
    "setTimeout('globalThis.leak = 1', 0); await pause(50); return globalThis.leak === 1 ? 'ran' : null",
  'inline script': `
    const script = document.createElement('script')
    script.textContent = 'globalThis.inlined = 1'
    document.head.append(script)
    return globalThis.inlined === 1 ? 'ran' : null`,
  'script from a data URL': `
    const script = document.createElement('script')
    script.src = 'data:text/javascript,globalThis.fromData=1'
    return await loads(script)`,
  'script from a blob': `
    const script = document.createElement('script')
    script.src = URL.createObjectURL(new Blob(['globalThis.fromBlob = 1'], { type: 'text/javascript' }))
    return await loads(script)`,
  'script from the network':
    "const s = document.createElement('script'); s.src = address + 'x.js'; return await loads(s)",
  'event handler attribute': `
    const image = document.createElement('img')
    image.setAttribute('onerror', 'globalThis.handled = 1')
    image.src = 'app://main/none.png'
    document.body.append(image)
    await pause(100)
    return globalThis.handled === 1 ? 'ran' : null`,
  innerHTML: "document.createElement('div').innerHTML = '<b>x</b>'; return 'inserted'",
  outerHTML:
    "const d = document.createElement('div'); document.body.append(d); d.outerHTML = '<b>x</b>'; return 'inserted'",
  insertAdjacentHTML: "document.body.insertAdjacentHTML('beforeend', '<b>x</b>'); return 'inserted'",
  'document.write': "document.write('<b>x</b>'); return 'written'",
  DOMParser: "new DOMParser().parseFromString('<b>x</b>', 'text/html'); return 'parsed'",
  'iframe srcdoc':
    "const f = document.createElement('iframe'); f.srcdoc = '<p>x'; document.body.append(f); return 'made'",
  'a Trusted Types policy': "trustedTypes.createPolicy('mine', { createHTML: (x) => x }); return 'made'",
  'the default Trusted Types policy':
    "trustedTypes.createPolicy('default', { createHTML: (x) => x }); return 'made'",
  'import() of a data URL': "await import('data:text/javascript,export default 1'); return 'imported'",
  'import() from the network': "await import(address + 'x.js'); return 'imported'",
  'fetch of the network': "await fetch(address); return 'fetched'",
  'fetch of the own page': "const r = await fetch('app://main/index.html'); return r.ok ? 'fetched' : null",
  'fetch of a file': "await fetch('file:///etc/passwd'); return 'fetched'",
  'fetch of a data URL': "await fetch('data:text/plain,x'); return 'fetched'",
  XMLHttpRequest: `
    return await new Promise((resolve) => {
      const request = new XMLHttpRequest()
      request.onload = () => resolve('loaded')
      request.onerror = () => resolve(null)
      request.open('GET', address)
      request.send()
    })`,
  WebSocket: `
    return await new Promise((resolve) => {
      const socket = new WebSocket(address.replace('http', 'ws'))
      socket.onopen = () => resolve('open')
      socket.onerror = () => resolve(null)
    })`,
  EventSource: `
    return await new Promise((resolve) => {
      const source = new EventSource(address)
      source.onopen = () => resolve('open')
      source.onerror = () => { source.close(); resolve(null) }
    })`,
  sendBeacon: "navigator.sendBeacon(address, 'x'); await pause(200); return null",
  WebTransport: `
    if (!globalThis.WebTransport) return null
    const transport = new WebTransport(address.replace('http:', 'https:'))
    await transport.ready
    return 'open'`,
  'picture from the network': `
    return await new Promise((resolve) => {
      const image = new Image()
      image.onload = () => resolve('loaded')
      image.onerror = () => resolve(null)
      image.src = address + 'x.png'
    })`,
  'picture from a file': `
    return await new Promise((resolve) => {
      const image = new Image()
      image.onload = () => resolve('loaded')
      image.onerror = () => resolve(null)
      image.src = 'file:///usr/share/pixmaps/debian-logo.png'
    })`,
  'style sheet from the network': `
    const link = document.createElement('link')
    link.rel = 'stylesheet'
    link.href = address + 'x.css'
    return await loads(link)`,
  'hints to the network': `
    for (const rel of ['preconnect', 'dns-prefetch', 'prefetch', 'preload', 'prerender', 'modulepreload']) {
      const link = document.createElement('link')
      link.rel = rel
      link.as = 'script'
      link.href = address + rel
      document.head.append(link)
    }
    await pause(300)
    return null`,
  'frame of the network': 'return await frames(address)',
  'frame of a file': "return await frames('file:///etc/passwd')",
  'frame of the own page': "return await frames('app://main/index.html')",
  'object element': `
    const object = document.createElement('object')
    object.data = address
    document.body.append(object)
    await pause(400)
    return null`,
  'webview element': `
    const view = document.createElement('webview')
    view.setAttribute('src', address)
    document.body.append(view)
    await pause(100)
    return typeof view.getURL === 'function' ? 'a webview' : null`,
  'window.open': "return window.open(address) === null ? null : 'opened'",
  'window.open of the own page': "return window.open('app://main/index.html') === null ? null : 'opened'",
  'window.open of about:blank': "return window.open('about:blank') === null ? null : 'opened'",
  'a click on a link into a new window': `
    const link = document.createElement('a')
    link.href = address
    link.target = '_blank'
    document.body.append(link)
    link.click()
    await pause(200)
    return null`,
  'form submission': `
    const form = document.createElement('form')
    form.action = address
    form.method = 'post'
    document.body.append(form)
    form.submit()
    await pause(200)
    return location.origin === 'app://main' ? null : 'left'`,
  'location to the network':
    "location.href = address; await pause(200); return location.origin === 'app://main' ? null : 'left'",
  'location to a file':
    "location.assign('file:///etc/passwd'); await pause(200); return location.protocol === 'app:' ? null : 'left'",
  'location to a data URL':
    "location.href = 'data:text/html,x'; await pause(200); return location.protocol === 'app:' ? null : 'left'",
  'location to javascript':
    "location.href = 'javascript:globalThis.viaLocation=1'; await pause(100); return globalThis.viaLocation ? 'ran' : null",
  'meta refresh': `
    const meta = document.createElement('meta')
    meta.httpEquiv = 'refresh'
    meta.content = '0;url=' + address
    document.head.append(meta)
    await pause(300)
    return location.origin === 'app://main' ? null : 'left'`,
  'base element': `
    const base = document.createElement('base')
    base.href = address
    document.head.prepend(base)
    const changed = document.baseURI === address
    base.remove()
    return changed ? 'changed' : null`,
  'service worker': "await navigator.serviceWorker.register('app://main/index.html'); return 'registered'",
  'worker from a blob': `
    return await new Promise((resolve) => {
      const worker = new Worker(URL.createObjectURL(new Blob(['postMessage(1)'], { type: 'text/javascript' })))
      worker.onmessage = () => resolve('ran')
      worker.onerror = () => resolve(null)
    })`,
  'shared worker from a blob': `
    return await new Promise((resolve) => {
      const worker = new SharedWorker(URL.createObjectURL(new Blob(['onconnect = (e) => e.ports[0].postMessage(1)'])))
      worker.port.onmessage = () => resolve('ran')
      worker.onerror = () => resolve(null)
    })`,
  'permission: notifications':
    "return (await Notification.requestPermission()) === 'granted' ? 'granted' : null",
  'permission: geolocation': `
    return await new Promise((resolve) => {
      navigator.geolocation.getCurrentPosition(() => resolve('granted'), () => resolve(null), { timeout: 2000 })
    })`,
  'permission: microphone': "await navigator.mediaDevices.getUserMedia({ audio: true }); return 'granted'",
  'permission: camera': "await navigator.mediaDevices.getUserMedia({ video: true }); return 'granted'",
  'permission: screen': "await navigator.mediaDevices.getDisplayMedia({ video: true }); return 'granted'",
  'permission: usb': "await navigator.usb.requestDevice({ filters: [] }); return 'granted'",
  'permission: hid':
    "return (await navigator.hid.requestDevice({ filters: [] })).length > 0 ? 'granted' : null",
  'permission: serial': "await navigator.serial.requestPort(); return 'granted'",
  'permission: bluetooth':
    "await navigator.bluetooth.requestDevice({ acceptAllDevices: true }); return 'granted'",
  'permission: midi': "await navigator.requestMIDIAccess({ sysex: true }); return 'granted'",
  'permission: clipboard': "await navigator.clipboard.readText(); return 'granted'",
  'permission: idle detection':
    "return (await IdleDetector.requestPermission()) === 'granted' ? 'granted' : null",
  'permission: fonts': "return (await queryLocalFonts()).length > 0 ? 'granted' : null",
  'permission: file system': "await showDirectoryPicker(); return 'granted'",
  'permission: pointer lock': `
    await document.body.requestPointerLock()
    await pause(100)
    return document.pointerLockElement === null ? null : 'granted'`,
  'permission states': `
    const names = ['notifications', 'geolocation', 'camera', 'microphone', 'midi', 'clipboard-read', 'persistent-storage']
    const states = await Promise.all(names.map(async (name) => (await navigator.permissions.query({ name })).state))
    return states.includes('granted') ? 'granted ' + names[states.indexOf('granted')] : null`,
  WebRTC: `
    const peer = new RTCPeerConnection({ iceServers: [{ urls: 'stun:127.0.0.1:' + new URL(address).port }] })
    const found = []
    peer.onicecandidate = (event) => event.candidate?.candidate && found.push(event.candidate.candidate)
    peer.createDataChannel('x')
    await peer.setLocalDescription(await peer.createOffer())
    await pause(1500)
    peer.close()
    return found.length > 0 ? found[0] : null`,
  'a download': `
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob(['x']))
    link.download = 'planted.txt'
    link.click()
    await pause(300)
    return null`,
  Node: "return typeof process !== 'undefined' || typeof require !== 'undefined' || typeof Buffer !== 'undefined' ? 'there' : null",
  'more on the bridge than the contract': `
    return Object.keys(window.valise).toSorted().join() === 'calls,onDelta' ? null : Object.keys(window.valise).join()`,
  'Electron through the bridge': `
    const f = window.valise.calls['state.snapshot']
    const outside = f.constructor('return typeof process')()
    return outside === 'undefined' ? null : outside`,
  'a changed bridge': `
    try { window.valise.calls['state.snapshot'] = () => 'mine' } catch { return null }
    return (await window.valise.calls['state.snapshot']({})) === 'mine' ? 'changed' : null`,
  'a replaced bridge':
    "try { window.valise = 1 } catch { return null }; return window.valise === 1 ? 'replaced' : null",
}

/** What the probes' bodies may use. */
export const probeTools = `
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
  const loads = (element) => new Promise((resolve) => {
    element.onload = () => resolve('loaded')
    element.onerror = () => resolve(null)
    setTimeout(() => resolve(null), 700)
    document.head.append(element)
  })
  const frames = async (source) => {
    const frame = document.createElement('iframe')
    frame.src = source
    document.body.append(frame)
    await pause(300)
    let place = null
    try { place = frame.contentWindow.location.href } catch { place = 'cross-origin' }
    const shown = place !== 'about:blank' && place !== 'cross-origin' && !place.startsWith('chrome-error:')
    frame.remove()
    return shown ? place : null
  }`
