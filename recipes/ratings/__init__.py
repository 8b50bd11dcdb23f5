"""The recipe of the general rating model `reviews`: reviews of many domains and lengths."""
