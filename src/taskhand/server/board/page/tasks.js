// The rows of list_tasks.
function drawTasks(tasks) {
  const list = document.createElement('ul')
  list.append(...tasks.map((task) => {
    const row = document.createElement('li')
    row.dir = 'auto'
    row.textContent = task.title // customers' text is never markup
    return row
  }))
  document.querySelector('main').replaceChildren(list)
}
