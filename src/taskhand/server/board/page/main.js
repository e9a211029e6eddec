heard['ui/notifications/tool-result'] = ({ structuredContent }) => drawTasks(structuredContent?.tasks ?? [])
addEventListener('message', receive)
new ResizeObserver(() => {
  const { scrollWidth: width, scrollHeight: height } = document.documentElement
  notify('ui/notifications/size-changed', { width, height })
}).observe(document.body)
ask('ui/initialize', {
  protocolVersion: '2026-01-26',
  appInfo: { name: 'taskhand-board', version: '1' },
  appCapabilities: {},
}).then(() => notify('ui/notifications/initialized'))
