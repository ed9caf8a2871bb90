/** The tab's title, the most particular thing first: tabs are narrow. */
import { useEffect } from "react";

export function useDocumentTitle(title: string | undefined) {
  useEffect(() => {
    document.title = title ? `${title} · Alongside` : "Alongside";
  }, [title]);
}
