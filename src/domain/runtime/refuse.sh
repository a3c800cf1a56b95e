# Ends because the change cannot or may not be made; nothing was touched.
refuse() {
    say refused "$@"
    exit 75
}
