declare module "virtual:outlines-50m" {
  const base64: string;
  export default base64;
}
declare module "*.css";
