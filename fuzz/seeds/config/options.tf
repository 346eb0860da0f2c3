bucket = "b"
key = "k/é \u00e9 \"x\" $${y}"
skip_region_validation = "true"
assume_role_with_web_identity = { role_arn = "r", web_identity_token = "t" }
