/** Whether an element has come into view: what is below asks later, so that what is seen comes first. */
import { onBeforeUnmount, onMounted, ref, type Ref } from "vue";

/** A head start for what is seen; then all of the page is asked, for print and for whoever scrolls. */
const LATEST_MS = 250;

export function useSeen(element: () => Element | null | undefined): Ref<boolean> {
  const seen = ref(false);
  let watching: IntersectionObserver | undefined;
  let latest = 0;
  onMounted(() => {
    const target = element();
    latest = window.setTimeout(() => { seen.value = true; }, LATEST_MS);
    if (!target) return;
    watching = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      seen.value = true;
      watching?.disconnect();
    }, { rootMargin: "100px" });
    watching.observe(target);
  });
  onBeforeUnmount(() => { watching?.disconnect(); clearTimeout(latest); });
  return seen;
}
