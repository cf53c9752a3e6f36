-- Made by `python -m settlement.compile` from the expressions in settlement/core; not to be edited.

-- input: agreements pair:int16 home_division:string institution:string subsidy_kind:string service_month:string day_mask:int64
-- input: caregivers host:int16 institution:string caregiver_cert_no:string service_month:string day_mask:int64
-- input: cleared pair:int16 settlement_no:string text:string beneficiary_ref:string service_month:string amount_fen:int64 cancelled:boolean institution:string subsidy_kind:string service_days:int64 caregiver_cert_no:string
-- input: enrolments pair:int16 beneficiary_ref:string home_division:string subsidy_kind:string from_date:string until_date:string standing:int64 sequence:int64
-- input: listings pair:int16 institution:string service_month:string day_mask:int64
-- input: policies home:int16 standing:int64 subsidy_kind:string service_month:string service_days:int64 by_use:boolean entitled_fen:int64 cap_fen:int64 exclusivity_group:string needs_caregiver:boolean

-- step: standing
-- kept: no
-- reads: cleared
-- columns: pair:int16 settlement_no:string text:string beneficiary_ref:string service_month:string amount_fen:int64 cancelled:boolean institution:string subsidy_kind:string service_days:int64 caregiver_cert_no:string
SELECT
  *
FROM "cleared" AS "t0"
WHERE
  NOT (
    "t0"."cancelled"
  )
;

-- step: agreed_days
-- kept: yes
-- reads: agreements enrolments standing
-- columns: pair:int16 beneficiary_ref:string institution:string subsidy_kind:string service_month:string day_mask:int64
WITH "t4" AS (
  SELECT DISTINCT
    "t0"."pair",
    "t0"."beneficiary_ref",
    "t0"."institution",
    "t0"."subsidy_kind",
    "t0"."service_month"
  FROM "standing" AS "t0"
), "t14" AS (
  SELECT
    *
  FROM (
    SELECT
      "t12"."pair",
      "t12"."beneficiary_ref",
      "t12"."service_month",
      "t3"."home_division",
      CASE
        WHEN CASE
          WHEN (
            "t3"."until_date" = ''
          )
          OR (
            SUBSTRING(
              "t3"."until_date",
              CASE WHEN (
                0 + 1
              ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t3"."until_date") END,
              7
            ) > "t12"."service_month"
          )
          THEN CASE
            WHEN CAST(SUBSTRING(
              "t12"."service_month",
              CASE WHEN (
                5 + 1
              ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t12"."service_month") END,
              2
            ) AS BIGINT) IN (4, 6, 9, 11)
            THEN 30
            WHEN (
              CAST(SUBSTRING(
                "t12"."service_month",
                CASE WHEN (
                  5 + 1
                ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t12"."service_month") END,
                2
              ) AS BIGINT) = 2
            )
            AND (
              (
                (
                  (
                    CAST(SUBSTRING(
                      "t12"."service_month",
                      CASE WHEN (
                        0 + 1
                      ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t12"."service_month") END,
                      4
                    ) AS BIGINT) % 4
                  ) = 0
                )
                AND (
                  (
                    CAST(SUBSTRING(
                      "t12"."service_month",
                      CASE WHEN (
                        0 + 1
                      ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t12"."service_month") END,
                      4
                    ) AS BIGINT) % 100
                  ) <> 0
                )
              )
              OR (
                (
                  CAST(SUBSTRING(
                    "t12"."service_month",
                    CASE WHEN (
                      0 + 1
                    ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t12"."service_month") END,
                    4
                  ) AS BIGINT) % 400
                ) = 0
              )
            )
            THEN 29
            WHEN CAST(SUBSTRING(
              "t12"."service_month",
              CASE WHEN (
                5 + 1
              ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t12"."service_month") END,
              2
            ) AS BIGINT) = 2
            THEN 28
            ELSE 31
          END
          WHEN SUBSTRING(
            "t3"."until_date",
            CASE WHEN (
              0 + 1
            ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t3"."until_date") END,
            7
          ) = "t12"."service_month"
          THEN CAST(SUBSTRING(
            "t3"."until_date",
            CASE WHEN (
              8 + 1
            ) >= 1 THEN 8 + 1 ELSE 8 + 1 + LENGTH("t3"."until_date") END,
            2
          ) AS BIGINT)
          ELSE 0
        END >= CASE
          WHEN SUBSTRING(
            "t3"."from_date",
            CASE WHEN (
              0 + 1
            ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t3"."from_date") END,
            7
          ) < "t12"."service_month"
          THEN 1
          WHEN SUBSTRING(
            "t3"."from_date",
            CASE WHEN (
              0 + 1
            ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t3"."from_date") END,
            7
          ) = "t12"."service_month"
          THEN CAST(SUBSTRING(
            "t3"."from_date",
            CASE WHEN (
              8 + 1
            ) >= 1 THEN 8 + 1 ELSE 8 + 1 + LENGTH("t3"."from_date") END,
            2
          ) AS BIGINT)
          ELSE 32
        END
        THEN (
          2147483647 >> (
            31 - CASE
              WHEN (
                "t3"."until_date" = ''
              )
              OR (
                SUBSTRING(
                  "t3"."until_date",
                  CASE WHEN (
                    0 + 1
                  ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t3"."until_date") END,
                  7
                ) > "t12"."service_month"
              )
              THEN CASE
                WHEN CAST(SUBSTRING(
                  "t12"."service_month",
                  CASE WHEN (
                    5 + 1
                  ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t12"."service_month") END,
                  2
                ) AS BIGINT) IN (4, 6, 9, 11)
                THEN 30
                WHEN (
                  CAST(SUBSTRING(
                    "t12"."service_month",
                    CASE WHEN (
                      5 + 1
                    ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t12"."service_month") END,
                    2
                  ) AS BIGINT) = 2
                )
                AND (
                  (
                    (
                      (
                        CAST(SUBSTRING(
                          "t12"."service_month",
                          CASE WHEN (
                            0 + 1
                          ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t12"."service_month") END,
                          4
                        ) AS BIGINT) % 4
                      ) = 0
                    )
                    AND (
                      (
                        CAST(SUBSTRING(
                          "t12"."service_month",
                          CASE WHEN (
                            0 + 1
                          ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t12"."service_month") END,
                          4
                        ) AS BIGINT) % 100
                      ) <> 0
                    )
                  )
                  OR (
                    (
                      CAST(SUBSTRING(
                        "t12"."service_month",
                        CASE WHEN (
                          0 + 1
                        ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t12"."service_month") END,
                        4
                      ) AS BIGINT) % 400
                    ) = 0
                  )
                )
                THEN 29
                WHEN CAST(SUBSTRING(
                  "t12"."service_month",
                  CASE WHEN (
                    5 + 1
                  ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t12"."service_month") END,
                  2
                ) AS BIGINT) = 2
                THEN 28
                ELSE 31
              END
              WHEN SUBSTRING(
                "t3"."until_date",
                CASE WHEN (
                  0 + 1
                ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t3"."until_date") END,
                7
              ) = "t12"."service_month"
              THEN CAST(SUBSTRING(
                "t3"."until_date",
                CASE WHEN (
                  8 + 1
                ) >= 1 THEN 8 + 1 ELSE 8 + 1 + LENGTH("t3"."until_date") END,
                2
              ) AS BIGINT)
              ELSE 0
            END
          )
        ) - (
          2147483647 >> (
            31 - (
              CASE
                WHEN SUBSTRING(
                  "t3"."from_date",
                  CASE WHEN (
                    0 + 1
                  ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t3"."from_date") END,
                  7
                ) < "t12"."service_month"
                THEN 1
                WHEN SUBSTRING(
                  "t3"."from_date",
                  CASE WHEN (
                    0 + 1
                  ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t3"."from_date") END,
                  7
                ) = "t12"."service_month"
                THEN CAST(SUBSTRING(
                  "t3"."from_date",
                  CASE WHEN (
                    8 + 1
                  ) >= 1 THEN 8 + 1 ELSE 8 + 1 + LENGTH("t3"."from_date") END,
                  2
                ) AS BIGINT)
                ELSE 32
              END - 1
            )
          )
        )
        ELSE 0
      END AS "known_mask"
    FROM (
      SELECT DISTINCT
        "t5"."pair",
        "t5"."beneficiary_ref",
        "t5"."service_month"
      FROM "t4" AS "t5"
    ) AS "t12"
    INNER JOIN "enrolments" AS "t3"
      ON "t12"."pair" = "t3"."pair" AND "t12"."beneficiary_ref" = "t3"."beneficiary_ref"
  ) AS "t13"
  WHERE
    "t13"."known_mask" <> 0
)
SELECT
  *
FROM (
  SELECT
    "t8"."pair",
    "t8"."beneficiary_ref",
    "t8"."institution",
    "t8"."subsidy_kind",
    "t8"."service_month",
    "t16"."known_mask" & "t9"."day_mask" AS "day_mask"
  FROM "t4" AS "t8"
  INNER JOIN "t14" AS "t16"
    ON "t8"."pair" = "t16"."pair"
    AND "t8"."beneficiary_ref" = "t16"."beneficiary_ref"
    AND "t8"."service_month" = "t16"."service_month"
  INNER JOIN (
    SELECT
      *
    FROM "agreements" AS "t1"
    WHERE
      "t1"."home_division" <> ''
  ) AS "t9"
    ON "t8"."pair" = "t9"."pair"
    AND "t16"."home_division" = "t9"."home_division"
    AND "t8"."institution" = "t9"."institution"
    AND "t8"."subsidy_kind" = "t9"."subsidy_kind"
    AND "t8"."service_month" = "t9"."service_month"
) AS "t19"
UNION ALL
SELECT
  *
FROM (
  SELECT
    "t20"."pair",
    "t20"."beneficiary_ref",
    "t20"."institution",
    "t20"."subsidy_kind",
    "t20"."service_month",
    "t20"."day_mask" - (
      "t20"."day_mask" & COALESCE("t20"."known_mask", 0)
    ) AS "day_mask"
  FROM (
    SELECT
      "t8"."pair",
      "t8"."beneficiary_ref",
      "t8"."institution",
      "t8"."subsidy_kind",
      "t8"."service_month",
      "t10"."day_mask",
      "t18"."known_mask"
    FROM "t4" AS "t8"
    INNER JOIN (
      SELECT
        "t1"."pair",
        "t1"."institution",
        "t1"."subsidy_kind",
        "t1"."service_month",
        "t1"."day_mask"
      FROM "agreements" AS "t1"
      WHERE
        "t1"."home_division" = ''
    ) AS "t10"
      ON "t8"."pair" = "t10"."pair"
      AND "t8"."institution" = "t10"."institution"
      AND "t8"."subsidy_kind" = "t10"."subsidy_kind"
      AND "t8"."service_month" = "t10"."service_month"
    LEFT OUTER JOIN (
      SELECT
        "t15"."pair",
        "t15"."beneficiary_ref",
        "t15"."service_month",
        BIT_OR("t15"."known_mask") AS "known_mask"
      FROM "t14" AS "t15"
      GROUP BY
        1,
        2,
        3
    ) AS "t18"
      ON "t8"."pair" = "t18"."pair"
      AND "t8"."beneficiary_ref" = "t18"."beneficiary_ref"
      AND "t8"."service_month" = "t18"."service_month"
  ) AS "t20"
) AS "t21"
;

-- step: enrolled
-- kept: yes
-- reads: enrolments standing
-- columns: pair:int16 beneficiary_ref:string subsidy_kind:string service_month:string enrolled_mask:int64 standing:int64
SELECT
  "t10"."pair",
  "t10"."beneficiary_ref",
  "t10"."subsidy_kind",
  "t10"."service_month",
  "t10"."enrolled_mask",
  "t10"."choice" & 2147483647 AS "standing"
FROM (
  SELECT
    "t9"."pair",
    "t9"."beneficiary_ref",
    "t9"."subsidy_kind",
    "t9"."service_month",
    BIT_OR("t9"."day_mask") AS "enrolled_mask",
    MAX("t9"."choice") AS "choice"
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t7"."pair",
        "t7"."beneficiary_ref",
        "t7"."subsidy_kind",
        "t7"."service_month",
        CASE
          WHEN CASE
            WHEN (
              "t2"."until_date" = ''
            )
            OR (
              SUBSTRING(
                "t2"."until_date",
                CASE WHEN (
                  0 + 1
                ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t2"."until_date") END,
                7
              ) > "t7"."service_month"
            )
            THEN CASE
              WHEN CAST(SUBSTRING(
                "t7"."service_month",
                CASE WHEN (
                  5 + 1
                ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t7"."service_month") END,
                2
              ) AS BIGINT) IN (4, 6, 9, 11)
              THEN 30
              WHEN (
                CAST(SUBSTRING(
                  "t7"."service_month",
                  CASE WHEN (
                    5 + 1
                  ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t7"."service_month") END,
                  2
                ) AS BIGINT) = 2
              )
              AND (
                (
                  (
                    (
                      CAST(SUBSTRING(
                        "t7"."service_month",
                        CASE WHEN (
                          0 + 1
                        ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t7"."service_month") END,
                        4
                      ) AS BIGINT) % 4
                    ) = 0
                  )
                  AND (
                    (
                      CAST(SUBSTRING(
                        "t7"."service_month",
                        CASE WHEN (
                          0 + 1
                        ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t7"."service_month") END,
                        4
                      ) AS BIGINT) % 100
                    ) <> 0
                  )
                )
                OR (
                  (
                    CAST(SUBSTRING(
                      "t7"."service_month",
                      CASE WHEN (
                        0 + 1
                      ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t7"."service_month") END,
                      4
                    ) AS BIGINT) % 400
                  ) = 0
                )
              )
              THEN 29
              WHEN CAST(SUBSTRING(
                "t7"."service_month",
                CASE WHEN (
                  5 + 1
                ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t7"."service_month") END,
                2
              ) AS BIGINT) = 2
              THEN 28
              ELSE 31
            END
            WHEN SUBSTRING(
              "t2"."until_date",
              CASE WHEN (
                0 + 1
              ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t2"."until_date") END,
              7
            ) = "t7"."service_month"
            THEN CAST(SUBSTRING(
              "t2"."until_date",
              CASE WHEN (
                8 + 1
              ) >= 1 THEN 8 + 1 ELSE 8 + 1 + LENGTH("t2"."until_date") END,
              2
            ) AS BIGINT)
            ELSE 0
          END >= CASE
            WHEN SUBSTRING(
              "t2"."from_date",
              CASE WHEN (
                0 + 1
              ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t2"."from_date") END,
              7
            ) < "t7"."service_month"
            THEN 1
            WHEN SUBSTRING(
              "t2"."from_date",
              CASE WHEN (
                0 + 1
              ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t2"."from_date") END,
              7
            ) = "t7"."service_month"
            THEN CAST(SUBSTRING(
              "t2"."from_date",
              CASE WHEN (
                8 + 1
              ) >= 1 THEN 8 + 1 ELSE 8 + 1 + LENGTH("t2"."from_date") END,
              2
            ) AS BIGINT)
            ELSE 32
          END
          THEN (
            2147483647 >> (
              31 - CASE
                WHEN (
                  "t2"."until_date" = ''
                )
                OR (
                  SUBSTRING(
                    "t2"."until_date",
                    CASE WHEN (
                      0 + 1
                    ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t2"."until_date") END,
                    7
                  ) > "t7"."service_month"
                )
                THEN CASE
                  WHEN CAST(SUBSTRING(
                    "t7"."service_month",
                    CASE WHEN (
                      5 + 1
                    ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t7"."service_month") END,
                    2
                  ) AS BIGINT) IN (4, 6, 9, 11)
                  THEN 30
                  WHEN (
                    CAST(SUBSTRING(
                      "t7"."service_month",
                      CASE WHEN (
                        5 + 1
                      ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t7"."service_month") END,
                      2
                    ) AS BIGINT) = 2
                  )
                  AND (
                    (
                      (
                        (
                          CAST(SUBSTRING(
                            "t7"."service_month",
                            CASE WHEN (
                              0 + 1
                            ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t7"."service_month") END,
                            4
                          ) AS BIGINT) % 4
                        ) = 0
                      )
                      AND (
                        (
                          CAST(SUBSTRING(
                            "t7"."service_month",
                            CASE WHEN (
                              0 + 1
                            ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t7"."service_month") END,
                            4
                          ) AS BIGINT) % 100
                        ) <> 0
                      )
                    )
                    OR (
                      (
                        CAST(SUBSTRING(
                          "t7"."service_month",
                          CASE WHEN (
                            0 + 1
                          ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t7"."service_month") END,
                          4
                        ) AS BIGINT) % 400
                      ) = 0
                    )
                  )
                  THEN 29
                  WHEN CAST(SUBSTRING(
                    "t7"."service_month",
                    CASE WHEN (
                      5 + 1
                    ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t7"."service_month") END,
                    2
                  ) AS BIGINT) = 2
                  THEN 28
                  ELSE 31
                END
                WHEN SUBSTRING(
                  "t2"."until_date",
                  CASE WHEN (
                    0 + 1
                  ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t2"."until_date") END,
                  7
                ) = "t7"."service_month"
                THEN CAST(SUBSTRING(
                  "t2"."until_date",
                  CASE WHEN (
                    8 + 1
                  ) >= 1 THEN 8 + 1 ELSE 8 + 1 + LENGTH("t2"."until_date") END,
                  2
                ) AS BIGINT)
                ELSE 0
              END
            )
          ) - (
            2147483647 >> (
              31 - (
                CASE
                  WHEN SUBSTRING(
                    "t2"."from_date",
                    CASE WHEN (
                      0 + 1
                    ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t2"."from_date") END,
                    7
                  ) < "t7"."service_month"
                  THEN 1
                  WHEN SUBSTRING(
                    "t2"."from_date",
                    CASE WHEN (
                      0 + 1
                    ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t2"."from_date") END,
                    7
                  ) = "t7"."service_month"
                  THEN CAST(SUBSTRING(
                    "t2"."from_date",
                    CASE WHEN (
                      8 + 1
                    ) >= 1 THEN 8 + 1 ELSE 8 + 1 + LENGTH("t2"."from_date") END,
                    2
                  ) AS BIGINT)
                  ELSE 32
                END - 1
              )
            )
          )
          ELSE 0
        END AS "day_mask",
        (
          (
            (
              CASE
                WHEN "t2"."from_date" <= "t7"."service_month" || '-01'
                THEN (
                  (
                    (
                      (
                        CAST(SUBSTRING(
                          "t2"."from_date",
                          CASE WHEN (
                            0 + 1
                          ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t2"."from_date") END,
                          4
                        ) AS BIGINT) - 1900
                      ) * 13
                    ) + CAST(SUBSTRING(
                      "t2"."from_date",
                      CASE WHEN (
                        5 + 1
                      ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t2"."from_date") END,
                      2
                    ) AS BIGINT)
                  ) * 32
                ) + CAST(SUBSTRING(
                  "t2"."from_date",
                  CASE WHEN (
                    8 + 1
                  ) >= 1 THEN 8 + 1 ELSE 8 + 1 + LENGTH("t2"."from_date") END,
                  2
                ) AS BIGINT)
                ELSE -(
                  (
                    (
                      (
                        (
                          CAST(SUBSTRING(
                            "t2"."from_date",
                            CASE WHEN (
                              0 + 1
                            ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t2"."from_date") END,
                            4
                          ) AS BIGINT) - 1900
                        ) * 13
                      ) + CAST(SUBSTRING(
                        "t2"."from_date",
                        CASE WHEN (
                          5 + 1
                        ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t2"."from_date") END,
                        2
                      ) AS BIGINT)
                    ) * 32
                  ) + CAST(SUBSTRING(
                    "t2"."from_date",
                    CASE WHEN (
                      8 + 1
                    ) >= 1 THEN 8 + 1 ELSE 8 + 1 + LENGTH("t2"."from_date") END,
                    2
                  ) AS BIGINT)
                )
              END * 4096
            ) + "t2"."sequence"
          ) * 2147483648
        ) + "t2"."standing" AS "choice"
      FROM (
        SELECT DISTINCT
          "t5"."pair",
          "t5"."beneficiary_ref",
          "t5"."subsidy_kind",
          "t5"."service_month"
        FROM (
          SELECT
            *
          FROM (
            SELECT
              "t1"."pair",
              "t1"."settlement_no",
              "t1"."beneficiary_ref",
              "t1"."service_month",
              "t1"."amount_fen",
              "t1"."institution",
              "t1"."subsidy_kind",
              "t1"."service_days",
              "t1"."caregiver_cert_no"
            FROM "standing" AS "t1"
          ) AS "t3"
          UNION ALL
          SELECT
            *
          FROM (
            SELECT
              "t1"."pair",
              "t1"."settlement_no",
              "t1"."beneficiary_ref",
              "t1"."service_month",
              "t1"."amount_fen",
              "t1"."institution",
              "t1"."subsidy_kind",
              "t1"."service_days",
              "t1"."caregiver_cert_no"
            FROM "standing" AS "t1"
            WHERE
              FALSE
          ) AS "t4"
        ) AS "t5"
      ) AS "t7"
      INNER JOIN "enrolments" AS "t2"
        ON "t7"."pair" = "t2"."pair"
        AND "t7"."beneficiary_ref" = "t2"."beneficiary_ref"
        AND "t7"."subsidy_kind" = "t2"."subsidy_kind"
    ) AS "t8"
    WHERE
      "t8"."day_mask" <> 0
  ) AS "t9"
  GROUP BY
    1,
    2,
    3,
    4
) AS "t10"
;

-- step: priced_rows
-- kept: yes
-- reads: enrolled policies standing
-- columns: pair:int16 settlement_no:string beneficiary_ref:string service_month:string amount_fen:int64 institution:string subsidy_kind:string service_days:int64 caregiver_cert_no:string enrolled_mask:int64 by_use:boolean entitled_fen:int64 cap_fen:int64 exclusivity_group:string needs_caregiver:boolean
SELECT
  "t10"."pair",
  "t10"."settlement_no",
  "t10"."beneficiary_ref",
  "t10"."service_month",
  "t10"."amount_fen",
  "t10"."institution",
  "t10"."subsidy_kind",
  "t10"."service_days",
  "t10"."caregiver_cert_no",
  "t10"."enrolled_mask",
  "t10"."by_use",
  "t10"."entitled_fen",
  "t10"."cap_fen",
  "t10"."exclusivity_group",
  "t10"."needs_caregiver"
FROM (
  SELECT
    "t9"."pair",
    "t9"."settlement_no",
    "t9"."beneficiary_ref",
    "t9"."service_month",
    "t9"."amount_fen",
    "t9"."institution",
    "t9"."subsidy_kind",
    "t9"."service_days",
    "t9"."caregiver_cert_no",
    "t9"."enrolled_mask",
    "t9"."standing",
    "t9"."home",
    "t3"."by_use",
    "t3"."entitled_fen",
    "t3"."cap_fen",
    "t3"."exclusivity_group",
    "t3"."needs_caregiver"
  FROM (
    SELECT
      "t7"."pair",
      "t7"."settlement_no",
      "t7"."beneficiary_ref",
      "t7"."service_month",
      "t7"."amount_fen",
      "t7"."institution",
      "t7"."subsidy_kind",
      "t7"."service_days",
      "t7"."caregiver_cert_no",
      COALESCE("t7"."enrolled_mask", 0) AS "enrolled_mask",
      COALESCE("t7"."standing", 0) AS "standing",
      CAST(CAST(FLOOR((
        "t7"."pair"
      ) / (
        100
      )) AS BIGINT) AS SMALLINT) AS "home"
    FROM (
      SELECT
        "t6"."pair",
        "t6"."settlement_no",
        "t6"."beneficiary_ref",
        "t6"."service_month",
        "t6"."amount_fen",
        "t6"."institution",
        "t6"."subsidy_kind",
        "t6"."service_days",
        "t6"."caregiver_cert_no",
        "t4"."enrolled_mask",
        "t4"."standing"
      FROM (
        SELECT
          "t1"."pair",
          "t1"."settlement_no",
          "t1"."beneficiary_ref",
          "t1"."service_month",
          "t1"."amount_fen",
          "t1"."institution",
          "t1"."subsidy_kind",
          "t1"."service_days",
          "t1"."caregiver_cert_no"
        FROM "standing" AS "t1"
      ) AS "t6"
      LEFT OUTER JOIN "enrolled" AS "t4"
        ON "t6"."pair" = "t4"."pair"
        AND "t6"."beneficiary_ref" = "t4"."beneficiary_ref"
        AND "t6"."subsidy_kind" = "t4"."subsidy_kind"
        AND "t6"."service_month" = "t4"."service_month"
    ) AS "t7"
  ) AS "t9"
  LEFT OUTER JOIN "policies" AS "t3"
    ON "t9"."home" = "t3"."home"
    AND "t9"."standing" = "t3"."standing"
    AND "t9"."subsidy_kind" = "t3"."subsidy_kind"
    AND "t9"."service_month" = "t3"."service_month"
    AND "t9"."service_days" = "t3"."service_days"
) AS "t10"
;

-- step: priced_counted
-- kept: no
-- reads: enrolled policies standing
-- columns: pair:int16 settlement_no:string beneficiary_ref:string service_month:string amount_fen:int64 institution:string subsidy_kind:string service_days:int64 caregiver_cert_no:string enrolled_mask:int64 by_use:boolean entitled_fen:int64 cap_fen:int64 exclusivity_group:string needs_caregiver:boolean
SELECT
  "t10"."pair",
  "t10"."settlement_no",
  "t10"."beneficiary_ref",
  "t10"."service_month",
  "t10"."amount_fen",
  "t10"."institution",
  "t10"."subsidy_kind",
  "t10"."service_days",
  "t10"."caregiver_cert_no",
  "t10"."enrolled_mask",
  "t10"."by_use",
  "t10"."entitled_fen",
  "t10"."cap_fen",
  "t10"."exclusivity_group",
  "t10"."needs_caregiver"
FROM (
  SELECT
    "t9"."pair",
    "t9"."settlement_no",
    "t9"."beneficiary_ref",
    "t9"."service_month",
    "t9"."amount_fen",
    "t9"."institution",
    "t9"."subsidy_kind",
    "t9"."service_days",
    "t9"."caregiver_cert_no",
    "t9"."enrolled_mask",
    "t9"."standing",
    "t9"."home",
    "t3"."by_use",
    "t3"."entitled_fen",
    "t3"."cap_fen",
    "t3"."exclusivity_group",
    "t3"."needs_caregiver"
  FROM (
    SELECT
      "t7"."pair",
      "t7"."settlement_no",
      "t7"."beneficiary_ref",
      "t7"."service_month",
      "t7"."amount_fen",
      "t7"."institution",
      "t7"."subsidy_kind",
      "t7"."service_days",
      "t7"."caregiver_cert_no",
      COALESCE("t7"."enrolled_mask", 0) AS "enrolled_mask",
      COALESCE("t7"."standing", 0) AS "standing",
      CAST(CAST(FLOOR((
        "t7"."pair"
      ) / (
        100
      )) AS BIGINT) AS SMALLINT) AS "home"
    FROM (
      SELECT
        "t6"."pair",
        "t6"."settlement_no",
        "t6"."beneficiary_ref",
        "t6"."service_month",
        "t6"."amount_fen",
        "t6"."institution",
        "t6"."subsidy_kind",
        "t6"."service_days",
        "t6"."caregiver_cert_no",
        "t4"."enrolled_mask",
        "t4"."standing"
      FROM (
        SELECT
          "t1"."pair",
          "t1"."settlement_no",
          "t1"."beneficiary_ref",
          "t1"."service_month",
          "t1"."amount_fen",
          "t1"."institution",
          "t1"."subsidy_kind",
          "t1"."service_days",
          "t1"."caregiver_cert_no"
        FROM "standing" AS "t1"
        WHERE
          FALSE
      ) AS "t6"
      LEFT OUTER JOIN "enrolled" AS "t4"
        ON "t6"."pair" = "t4"."pair"
        AND "t6"."beneficiary_ref" = "t4"."beneficiary_ref"
        AND "t6"."subsidy_kind" = "t4"."subsidy_kind"
        AND "t6"."service_month" = "t4"."service_month"
    ) AS "t7"
  ) AS "t9"
  LEFT OUTER JOIN "policies" AS "t3"
    ON "t9"."home" = "t3"."home"
    AND "t9"."standing" = "t3"."standing"
    AND "t9"."subsidy_kind" = "t3"."subsidy_kind"
    AND "t9"."service_month" = "t3"."service_month"
    AND "t9"."service_days" = "t3"."service_days"
) AS "t10"
;

-- step: barred
-- kept: yes
-- reads: agreed_days caregivers listings priced_rows
-- columns: pair:int16 settlement_no:string rank:int8
SELECT
  "t14"."pair",
  "t14"."settlement_no",
  MIN("t14"."rank") AS "rank"
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t12"."pair",
      "t12"."settlement_no",
      CASE
        WHEN NOT (
          BIT_COUNT(COALESCE("t12"."agreed_mask", 0)) >= "t12"."needed_days"
        )
        THEN 6
        WHEN NOT (
          BIT_COUNT(COALESCE("t12"."listed_mask", 0)) >= "t12"."needed_days"
        )
        THEN 7
        WHEN NOT (
          BIT_COUNT(COALESCE("t12"."enrolled_mask", 0)) >= "t12"."needed_days"
        )
        THEN 8
        WHEN NOT (
          CASE
            WHEN "t12"."caregiver_cert_no" <> ''
            THEN BIT_COUNT(COALESCE("t12"."certified_mask", 0)) >= "t12"."needed_days"
            ELSE NOT (
              COALESCE("t12"."needs_caregiver", FALSE)
            )
          END
        )
        THEN 9
        ELSE 0
      END AS "rank"
    FROM (
      SELECT
        "t11"."pair",
        "t11"."settlement_no",
        "t11"."beneficiary_ref",
        "t11"."service_month",
        "t11"."amount_fen",
        "t11"."institution",
        "t11"."subsidy_kind",
        "t11"."service_days",
        "t11"."caregiver_cert_no",
        "t11"."enrolled_mask",
        "t11"."by_use",
        "t11"."entitled_fen",
        "t11"."cap_fen",
        "t11"."exclusivity_group",
        "t11"."needs_caregiver",
        "t11"."needed_days",
        "t11"."host",
        "t8"."agreed_mask",
        "t9"."listed_mask",
        "t10"."certified_mask"
      FROM (
        SELECT
          "t0"."pair",
          "t0"."settlement_no",
          "t0"."beneficiary_ref",
          "t0"."service_month",
          "t0"."amount_fen",
          "t0"."institution",
          "t0"."subsidy_kind",
          "t0"."service_days",
          "t0"."caregiver_cert_no",
          "t0"."enrolled_mask",
          "t0"."by_use",
          "t0"."entitled_fen",
          "t0"."cap_fen",
          "t0"."exclusivity_group",
          "t0"."needs_caregiver",
          CASE WHEN COALESCE("t0"."by_use", FALSE) THEN 1 ELSE "t0"."service_days" END AS "needed_days",
          "t0"."pair" % 100 AS "host"
        FROM "priced_rows" AS "t0"
      ) AS "t11"
      LEFT OUTER JOIN (
        SELECT
          "t1"."pair",
          "t1"."beneficiary_ref",
          "t1"."institution",
          "t1"."subsidy_kind",
          "t1"."service_month",
          BIT_OR("t1"."day_mask") AS "agreed_mask"
        FROM "agreed_days" AS "t1"
        GROUP BY
          1,
          2,
          3,
          4,
          5
      ) AS "t8"
        ON "t11"."pair" = "t8"."pair"
        AND "t11"."beneficiary_ref" = "t8"."beneficiary_ref"
        AND "t11"."institution" = "t8"."institution"
        AND "t11"."subsidy_kind" = "t8"."subsidy_kind"
        AND "t11"."service_month" = "t8"."service_month"
      LEFT OUTER JOIN (
        SELECT
          "t2"."pair",
          "t2"."institution",
          "t2"."service_month",
          BIT_OR("t2"."day_mask") AS "listed_mask"
        FROM "listings" AS "t2"
        GROUP BY
          1,
          2,
          3
      ) AS "t9"
        ON "t11"."pair" = "t9"."pair"
        AND "t11"."institution" = "t9"."institution"
        AND "t11"."service_month" = "t9"."service_month"
      LEFT OUTER JOIN (
        SELECT
          "t3"."host",
          "t3"."institution",
          "t3"."caregiver_cert_no",
          "t3"."service_month",
          BIT_OR("t3"."day_mask") AS "certified_mask"
        FROM "caregivers" AS "t3"
        GROUP BY
          1,
          2,
          3,
          4
      ) AS "t10"
        ON "t11"."host" = "t10"."host"
        AND "t11"."institution" = "t10"."institution"
        AND "t11"."caregiver_cert_no" = "t10"."caregiver_cert_no"
        AND "t11"."service_month" = "t10"."service_month"
    ) AS "t12"
  ) AS "t13"
  WHERE
    "t13"."rank" > 0
) AS "t14"
GROUP BY
  1,
  2
;

-- step: overlapping
-- kept: yes
-- reads: barred priced_counted priced_rows
-- columns: pair:int16 settlement_no:string
WITH "t7" AS (
  SELECT
    "t6"."pair",
    "t6"."settlement_no",
    "t6"."beneficiary_ref",
    "t6"."service_month",
    "t6"."amount_fen",
    "t6"."institution",
    "t6"."subsidy_kind",
    "t6"."service_days",
    "t6"."caregiver_cert_no",
    "t6"."enrolled_mask",
    "t6"."by_use",
    "t6"."entitled_fen",
    "t6"."cap_fen",
    "t6"."exclusivity_group",
    "t6"."needs_caregiver",
    "t6"."service_days" AS "value",
    CASE
      WHEN CAST(SUBSTRING(
        "t6"."service_month",
        CASE WHEN (
          5 + 1
        ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t6"."service_month") END,
        2
      ) AS BIGINT) IN (4, 6, 9, 11)
      THEN 30
      WHEN (
        CAST(SUBSTRING(
          "t6"."service_month",
          CASE WHEN (
            5 + 1
          ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t6"."service_month") END,
          2
        ) AS BIGINT) = 2
      )
      AND (
        (
          (
            (
              CAST(SUBSTRING(
                "t6"."service_month",
                CASE WHEN (
                  0 + 1
                ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t6"."service_month") END,
                4
              ) AS BIGINT) % 4
            ) = 0
          )
          AND (
            (
              CAST(SUBSTRING(
                "t6"."service_month",
                CASE WHEN (
                  0 + 1
                ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t6"."service_month") END,
                4
              ) AS BIGINT) % 100
            ) <> 0
          )
        )
        OR (
          (
            CAST(SUBSTRING(
              "t6"."service_month",
              CASE WHEN (
                0 + 1
              ) >= 1 THEN 0 + 1 ELSE 0 + 1 + LENGTH("t6"."service_month") END,
              4
            ) AS BIGINT) % 400
          ) = 0
        )
      )
      THEN 29
      WHEN CAST(SUBSTRING(
        "t6"."service_month",
        CASE WHEN (
          5 + 1
        ) >= 1 THEN 5 + 1 ELSE 5 + 1 + LENGTH("t6"."service_month") END,
        2
      ) AS BIGINT) = 2
      THEN 28
      ELSE 31
    END AS "limit"
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t3"."pair",
        "t3"."settlement_no",
        "t3"."beneficiary_ref",
        "t3"."service_month",
        "t3"."amount_fen",
        "t3"."institution",
        "t3"."subsidy_kind",
        "t3"."service_days",
        "t3"."caregiver_cert_no",
        "t3"."enrolled_mask",
        "t3"."by_use",
        "t3"."entitled_fen",
        "t3"."cap_fen",
        "t3"."exclusivity_group",
        "t3"."needs_caregiver"
      FROM "priced_rows" AS "t3"
      ANTI JOIN "barred" AS "t4"
        ON "t3"."pair" = "t4"."pair" AND "t3"."settlement_no" = "t4"."settlement_no"
    ) AS "t5"
    UNION ALL
    SELECT
      *
    FROM "priced_counted" AS "t0"
  ) AS "t6"
  WHERE
    COALESCE("t6"."exclusivity_group", '') <> ''
)
SELECT DISTINCT
  *
FROM (
  SELECT
    "t9"."pair",
    "t9"."settlement_no"
  FROM "t7" AS "t9"
  SEMI JOIN (
    SELECT
      *
    FROM (
      SELECT
        "t14"."pair",
        "t14"."beneficiary_ref",
        "t14"."service_month",
        "t14"."exclusivity_group",
        SUM("t14"."value") AS "total",
        MIN("t14"."limit") AS "limit"
      FROM (
        SELECT
          "t13"."pair",
          "t13"."beneficiary_ref",
          "t13"."service_month",
          "t13"."exclusivity_group",
          "t13"."settlement_no",
          MAX("t13"."value") AS "value",
          MIN("t13"."limit") AS "limit"
        FROM (
          SELECT
            "t9"."pair",
            "t9"."settlement_no",
            "t9"."beneficiary_ref",
            "t9"."service_month",
            "t9"."amount_fen",
            "t9"."institution",
            "t9"."subsidy_kind",
            "t9"."service_days",
            "t9"."caregiver_cert_no",
            "t9"."enrolled_mask",
            "t9"."by_use",
            "t9"."entitled_fen",
            "t9"."cap_fen",
            "t9"."exclusivity_group",
            "t9"."needs_caregiver",
            "t9"."value",
            "t9"."limit"
          FROM "t7" AS "t9"
          SEMI JOIN (
            SELECT
              *
            FROM (
              SELECT
                "t8"."pair",
                "t8"."beneficiary_ref",
                "t8"."service_month",
                "t8"."exclusivity_group",
                SUM("t8"."value") AS "total",
                MIN("t8"."limit") AS "limit"
              FROM "t7" AS "t8"
              GROUP BY
                1,
                2,
                3,
                4
            ) AS "t10"
            WHERE
              "t10"."total" > "t10"."limit"
          ) AS "t12"
            ON "t9"."pair" = "t12"."pair"
            AND "t9"."beneficiary_ref" = "t12"."beneficiary_ref"
            AND "t9"."service_month" = "t12"."service_month"
            AND "t9"."exclusivity_group" = "t12"."exclusivity_group"
        ) AS "t13"
        GROUP BY
          1,
          2,
          3,
          4,
          5
      ) AS "t14"
      GROUP BY
        1,
        2,
        3,
        4
    ) AS "t15"
    WHERE
      "t15"."total" > "t15"."limit"
  ) AS "t17"
    ON "t9"."pair" = "t17"."pair"
    AND "t9"."beneficiary_ref" = "t17"."beneficiary_ref"
    AND "t9"."service_month" = "t17"."service_month"
    AND "t9"."exclusivity_group" = "t17"."exclusivity_group"
) AS "t18"
;

-- step: above_cap
-- kept: yes
-- reads: barred overlapping priced_counted priced_rows
-- columns: pair:int16 settlement_no:string
WITH "t10" AS (
  SELECT
    "t4"."pair",
    "t4"."settlement_no",
    "t4"."beneficiary_ref",
    "t4"."service_month",
    "t4"."amount_fen",
    "t4"."institution",
    "t4"."subsidy_kind",
    "t4"."service_days",
    "t4"."caregiver_cert_no",
    "t4"."enrolled_mask",
    "t4"."by_use",
    "t4"."entitled_fen",
    "t4"."cap_fen",
    "t4"."exclusivity_group",
    "t4"."needs_caregiver"
  FROM "priced_rows" AS "t4"
  ANTI JOIN "barred" AS "t6"
    ON "t4"."pair" = "t6"."pair" AND "t4"."settlement_no" = "t6"."settlement_no"
  ANTI JOIN (
    SELECT
      "t7"."pair",
      "t7"."settlement_no",
      10 AS "rank"
    FROM "overlapping" AS "t7"
    SEMI JOIN "priced_rows" AS "t5"
      ON "t7"."pair" = "t5"."pair" AND "t7"."settlement_no" = "t5"."settlement_no"
  ) AS "t9"
    ON "t4"."pair" = "t9"."pair" AND "t4"."settlement_no" = "t9"."settlement_no"
), "t14" AS (
  SELECT
    "t12"."pair",
    "t12"."settlement_no",
    "t12"."beneficiary_ref",
    "t12"."service_month",
    "t12"."amount_fen",
    "t12"."institution",
    "t12"."subsidy_kind",
    "t12"."service_days",
    "t12"."caregiver_cert_no",
    "t12"."enrolled_mask",
    "t12"."by_use",
    "t12"."entitled_fen",
    "t12"."cap_fen",
    "t12"."exclusivity_group",
    "t12"."needs_caregiver",
    "t12"."amount_fen" AS "value",
    "t12"."cap_fen" AS "limit"
  FROM (
    SELECT
      *
    FROM "t10" AS "t11"
    UNION ALL
    SELECT
      *
    FROM "priced_counted" AS "t2"
  ) AS "t12"
  WHERE
    "t12"."cap_fen" IS NOT NULL
)
SELECT DISTINCT
  *
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t11"."pair",
      "t11"."settlement_no"
    FROM "t10" AS "t11"
    WHERE
      (
        "t11"."entitled_fen" IS NULL
      )
      OR (
        "t11"."amount_fen" > "t11"."entitled_fen"
      )
  ) AS "t13"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      "t16"."pair",
      "t16"."settlement_no"
    FROM "t14" AS "t16"
    SEMI JOIN (
      SELECT
        *
      FROM (
        SELECT
          "t21"."pair",
          "t21"."beneficiary_ref",
          "t21"."subsidy_kind",
          "t21"."service_month",
          "t21"."cap_fen",
          SUM("t21"."value") AS "total",
          MIN("t21"."limit") AS "limit"
        FROM (
          SELECT
            "t20"."pair",
            "t20"."beneficiary_ref",
            "t20"."subsidy_kind",
            "t20"."service_month",
            "t20"."cap_fen",
            "t20"."settlement_no",
            MAX("t20"."value") AS "value",
            MIN("t20"."limit") AS "limit"
          FROM (
            SELECT
              "t16"."pair",
              "t16"."settlement_no",
              "t16"."beneficiary_ref",
              "t16"."service_month",
              "t16"."amount_fen",
              "t16"."institution",
              "t16"."subsidy_kind",
              "t16"."service_days",
              "t16"."caregiver_cert_no",
              "t16"."enrolled_mask",
              "t16"."by_use",
              "t16"."entitled_fen",
              "t16"."cap_fen",
              "t16"."exclusivity_group",
              "t16"."needs_caregiver",
              "t16"."value",
              "t16"."limit"
            FROM "t14" AS "t16"
            SEMI JOIN (
              SELECT
                *
              FROM (
                SELECT
                  "t15"."pair",
                  "t15"."beneficiary_ref",
                  "t15"."subsidy_kind",
                  "t15"."service_month",
                  "t15"."cap_fen",
                  SUM("t15"."value") AS "total",
                  MIN("t15"."limit") AS "limit"
                FROM "t14" AS "t15"
                GROUP BY
                  1,
                  2,
                  3,
                  4,
                  5
              ) AS "t17"
              WHERE
                "t17"."total" > "t17"."limit"
            ) AS "t19"
              ON "t16"."pair" = "t19"."pair"
              AND "t16"."beneficiary_ref" = "t19"."beneficiary_ref"
              AND "t16"."subsidy_kind" = "t19"."subsidy_kind"
              AND "t16"."service_month" = "t19"."service_month"
              AND "t16"."cap_fen" = "t19"."cap_fen"
          ) AS "t20"
          GROUP BY
            1,
            2,
            3,
            4,
            5,
            6
        ) AS "t21"
        GROUP BY
          1,
          2,
          3,
          4,
          5
      ) AS "t22"
      WHERE
        "t22"."total" > "t22"."limit"
    ) AS "t24"
      ON "t16"."pair" = "t24"."pair"
      AND "t16"."beneficiary_ref" = "t24"."beneficiary_ref"
      AND "t16"."subsidy_kind" = "t24"."subsidy_kind"
      AND "t16"."service_month" = "t24"."service_month"
      AND "t16"."cap_fen" = "t24"."cap_fen"
  ) AS "t25"
) AS "t26"
;

-- step: proposals
-- kept: no
-- reads: above_cap barred overlapping priced_rows
-- columns: pair:int16 settlement_no:string rank:int8
SELECT
  "t9"."pair",
  "t9"."settlement_no",
  MIN("t9"."rank") AS "rank"
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t0"."pair",
      "t0"."settlement_no",
      11 AS "rank"
    FROM "above_cap" AS "t0"
  ) AS "t6"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      *
    FROM "barred" AS "t1"
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        "t4"."pair",
        "t4"."settlement_no",
        10 AS "rank"
      FROM "overlapping" AS "t4"
      SEMI JOIN "priced_rows" AS "t5"
        ON "t4"."pair" = "t5"."pair" AND "t4"."settlement_no" = "t5"."settlement_no"
    ) AS "t7"
  ) AS "t8"
) AS "t9"
GROUP BY
  1,
  2
;
