/**
 * Loads the page of a product: the list does it before somebody opens one, and main.ts together
 * with config.json where a visit begins there.
 */
export const loadProductPage = () => import('./product-page').then((file) => file.ProductPage);
