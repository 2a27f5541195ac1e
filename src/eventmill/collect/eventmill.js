/* eventmill counts a view of every page. No cookies, nothing is kept in the browser.
   <script defer src="https://COLLECTOR/eventmill.js" data-site="shop"></script>
   eventmill('button', 'click', 'buy', '1', {plan: 'pro'}) records anything else.
   data-auto="off": no views by itself; data-hash: what follows # is a page too. */
(function (window, document, navigator) {
  var script = document.currentScript, options = script.dataset, place = window.location, history = window.history
  var base = options.to || script.src.replace(/\/eventmill\.js.*$/, '')
  var referrer = document.referrer, last

  function send(event) {
    var body = JSON.stringify(event)
    try {
      if (navigator.sendBeacon(base + '/e', body)) return
    } catch (_) {}
    var query = ''
    for (var name in event) {
      if (event[name] && name !== 'props') query += '&' + name + '=' + encodeURIComponent(event[name])
    }
    new Image().src = base + '/event.gif?' + query.slice(1)
  }

  function record(category, action, label, value, props) {
    send({
      site: options.site, category: category, action: action, label: label, value: value, props: props,
      user: options.user, url: options.hash === undefined ? place.href.split('#')[0] : place.href, referrer: referrer,
      language: navigator.language, screen: window.screen.width + 'x' + window.screen.height
    })
  }

  function view() {
    var page = place.pathname + place.search + (options.hash === undefined ? '' : place.hash)
    if (page === last) return
    last = page
    record('page', 'view', place.pathname)
    referrer = place.href
  }

  window.eventmill = record
  if (options.auto === 'off') return
  ;['pushState', 'replaceState'].forEach(function (name) {
    var real = history[name]
    history[name] = function () {
      real.apply(history, arguments)
      view()
    }
  })
  window.addEventListener('popstate', view)
  window.addEventListener('hashchange', view)
  if (document.prerendering) document.addEventListener('prerenderingchange', view, { once: true })
  else view()
})(window, document, navigator)
